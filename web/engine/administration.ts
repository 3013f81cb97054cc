/** The administrators' desk: each call is one command, and what is signed is verified here before a screen sees it. */
import * as v from 'valibot';
import type { CeremonyId, ConversationId, UserId } from '#protocol/ids.ts';
import { type ErasureScope, type HoldId, Receipt, type ReceiptId, receiptPrefix, type RetentionClass } from '#protocol/retention.ts';
import type {
  AdministrationApi,
  AdministrationMethod,
  AuditFilter,
  AuditPage,
  ErasureAsked,
  ReceiptView,
  RetentionPreview,
  RetentionView,
} from './administration-api.ts';
import { type AuditView, LanyingError } from './api.ts';
import type { Connection } from './connection.ts';
import { pinnedKey } from './conversation/server-key.ts';
import type { Home } from './home.ts';
import { post } from './http.ts';
import { verifySignature } from './identity/signature.ts';
import type { Network } from './ports.ts';
import type { SealedStore } from './store/sealed-store.ts';

export interface AdministrationParts {
  readonly connection: Connection;
  readonly network: Network;
  readonly store: SealedStore;
  checkAudit(): Promise<AuditView | null>;
}

const utf8 = new TextEncoder();

/** What was signed, when it can be read. */
function receiptIn(statement: string): Receipt | null {
  try {
    const parsed = v.safeParse(Receipt, JSON.parse(statement));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

export class Administration implements AdministrationApi {
  constructor(readonly parts: AdministrationParts) {}

  auditPage(filter: AuditFilter, before: number | null): Promise<AuditPage> {
    return this.parts.connection.call('audit.list', { ...filter, ...(before === null ? {} : { before }), limit: 100 });
  }

  auditLines(format: 'jsonl' | 'csv', filter: AuditFilter, after: number): Promise<{ readonly text: string; readonly next: number | null }> {
    return post(this.parts.network, 'audit.export', { ...filter, format, after });
  }

  async checkAudit(): Promise<AuditView> {
    const view = await this.parts.checkAudit();
    if (view === null) throw new LanyingError('permission.denied');
    if (view.fault !== null) throw new LanyingError('audit.contradicted', { reason: view.fault });
    return view;
  }

  async retention(): Promise<RetentionView> {
    const { policies, holds, clockAheadMs } = await this.parts.connection.call('retention.get', {});
    return { policies, holds, clockAheadMs };
  }

  async setRetention(ofClass: RetentionClass, conversationId: ConversationId | null, days: number | null): Promise<void> {
    await this.parts.connection.call('retention.set', { class: ofClass, conversationId, days });
  }

  previewRetention(): Promise<RetentionPreview> {
    return this.parts.connection.call('retention.preview', {});
  }

  /** Over HTTP, as all that erases: it may take longer than a socket's call may. */
  async runRetention(): Promise<Receipt | null> {
    return (await post(this.parts.network, 'retention.run', {})).receipt;
  }

  async receipts(before: ReceiptId | null): Promise<{ readonly receipts: readonly ReceiptView[]; readonly more: boolean }> {
    const { connection, store } = this.parts;
    const key = await pinnedKey({ connection, store });
    const page = await connection.call('retention.receipts', before === null ? {} : { before });
    const verify = async ({ receiptId, at, statement, signature }: (typeof page.receipts)[number]): Promise<ReceiptView> => {
      const receipt = receiptIn(statement);
      const same = receipt !== null && receipt.receiptId === receiptId && receipt.at === at;
      const verified = same && (await verifySignature(key, signature, utf8.encode(receiptPrefix + statement)));
      return { receiptId, at, receipt, verified, statement, signature };
    };
    return { receipts: await Promise.all(page.receipts.map(verify)), more: page.more };
  }

  async placeHold(conversationId: ConversationId | null, reason: string, until: number): Promise<void> {
    await this.parts.connection.call('hold.place', { conversationId, reason, until });
  }
  async confirmHold(holdId: HoldId): Promise<void> {
    await this.parts.connection.call('hold.confirm', { holdId });
  }
  async releaseHold(holdId: HoldId): Promise<void> {
    await this.parts.connection.call('hold.release', { holdId });
  }

  requestErasure(userId: UserId, text: string, scope: ErasureScope): Promise<ErasureAsked> {
    return this.parts.connection.call('erasure.request', { userId, text, scope });
  }
  async confirmErasure(requestId: CeremonyId, handle: string): Promise<void> {
    await post(this.parts.network, 'erasure.confirm', { requestId, handle });
  }

  async retentionRules(): ReturnType<AdministrationApi['retentionRules']> {
    return (await this.parts.connection.call('retention.rules', {})).rules;
  }
  requestOwnErasure(text: string): Promise<ErasureAsked> {
    return this.parts.connection.call('account.requestErasure', { text });
  }
  async confirmOwnErasure(requestId: CeremonyId, handle: string): Promise<void> {
    await post(this.parts.network, 'account.confirmErasure', { requestId, handle });
  }
}

/** One call of the desk of the device that is signed in. */
export function administer<M extends AdministrationMethod>(
  home: Pick<Home, 'store' | 'checkAudit'>,
  connection: Connection,
  network: Network,
  method: M,
  input: Parameters<AdministrationApi[M]>,
): Promise<Awaited<ReturnType<AdministrationApi[M]>>> {
  const desk = new Administration({ connection, network, store: home.store, checkAudit: () => home.checkAudit() });
  // The compiler cannot relate a method to its own parameters across a union.
  const call = desk[method] as (...given: Parameters<AdministrationApi[M]>) => Promise<Awaited<ReturnType<AdministrationApi[M]>>>;
  return call.apply(desk, input);
}
