/**
 * An administrator's device holds every head of the audit log against the last one that it saw ([U7]): the key is the one
 * of the first sight, the signature holds, and a consistency proof (RFC 9162 §2.1.4) shows that nothing before was changed.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { TreeHead } from '#protocol/checkpoint.ts';
import { emptyRange, rootOf, verifyConsistency } from '#protocol/merkle.ts';
import { type AuditFault, type AuditView, LanyingError, type SecurityNotice } from './api.ts';
import type { Connection } from './connection.ts';
import { verifiedHead } from './identity/checkpoint.ts';
import { Mutex } from './mutex.ts';
import type { Runtime } from './ports.ts';
import { auditHead } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';

type Seen = Omit<TreeHead, 'origin'>;
interface Answered extends Seen {
  readonly verifierKey: string;
}

const viewOf = ({ size, at, fault }: { readonly size: number; readonly at?: number | undefined; readonly fault: AuditFault | null }): AuditView => ({ size, at: at ?? null, fault });
const nothing: Seen = { size: 0, root: rootOf(sha256, emptyRange) };

export class AuditWatch {
  readonly #mutex = new Mutex();
  #told: AuditFault | null = null;

  constructor(
    readonly runtime: Runtime,
    readonly store: SealedStore,
    readonly connection: Connection,
    readonly onNotice: (notice: SecurityNotice) => void,
    readonly onView: (view: AuditView) => void,
  ) {}

  /** `pushed`: a head that the server told of, which must belong to the same log. Once it did not fit, that is shown for good. */
  check(pushed: string | null): Promise<AuditView> {
    return this.#mutex.run(async () => {
      const kept = await this.store.get(auditHead);
      // Before the server is asked: what is known already shows without it.
      if (kept !== null) this.onView(viewOf(kept));
      const fault = kept?.fault ?? (await this.#look(kept, pushed));
      const at = this.runtime.now();
      if (fault !== null && kept !== null && kept.fault === null) await this.store.write([await this.store.put(auditHead, '', { ...kept, fault, at })]);
      if (fault !== null && this.#told !== fault) {
        this.#told = fault;
        this.onNotice({ kind: 'audit_forked', at, conversationId: null, reason: fault });
      }
      const after = await this.store.get(auditHead);
      const view = after === null ? { size: 0, at, fault } : viewOf(after);
      this.onView(view);
      return view;
    });
  }

  async #look(kept: Answered | null, pushed: string | null): Promise<AuditFault | null> {
    const now = await this.#ask(kept ?? nothing, kept?.verifierKey ?? null);
    if (typeof now === 'string') return now;
    if (pushed !== null) {
      const told = await verifiedHead(pushed, now.verifierKey);
      if (told === null) return 'unsigned';
      const later = await this.#ask(told, now.verifierKey);
      if (typeof later === 'string') return later;
    }
    await this.store.write([await this.store.put(auditHead, '', { size: now.size, root: now.root, verifierKey: now.verifierKey, fault: null, at: this.runtime.now() })]);
    return null;
  }

  /** The head as it is now, shown to continue `from`. */
  async #ask(from: Seen, pinned: string | null): Promise<Answered | AuditFault> {
    try {
      const { checkpoint, verifierKey, consistency } = await this.connection.call('audit.head', { since: from.size });
      if (pinned !== null && verifierKey !== pinned) return 'key_changed';
      const head = await verifiedHead(checkpoint, verifierKey);
      if (head === null) return 'unsigned';
      const proof = { first: from.size, second: head.size, firstRoot: from.root, secondRoot: head.root, proof: consistency };
      return verifyConsistency(sha256, proof) ? { size: head.size, root: head.root, verifierKey } : 'forked';
    } catch (cause) {
      if (cause instanceof LanyingError && cause.code === 'audit.ahead') return 'cut';
      throw cause;
    }
  }
}
