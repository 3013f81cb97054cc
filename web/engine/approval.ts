/** Letting a new device in from an old one ([D7], [E17]): one object for each try, on either side. */
import type { UserId } from '#protocol/ids.ts';
import { type ApprovalView, LanyingError } from './api.ts';
import type { Connection } from './connection.ts';
import { Mutex } from './mutex.ts';
import type { Runtime, Timer } from './ports.ts';
import {
  approvalSideBytes,
  checkOf,
  commitmentOf,
  grantTo,
  makeSide,
  openGrant,
  opensCommitment,
  type Side,
} from './vault/approval-check.ts';

export interface ApprovalParts {
  readonly runtime: Runtime;
  readonly connection: Connection;
  readonly userId: UserId;
  readonly onChange: () => void;
  readonly onTrouble: (cause: unknown) => void;
}

type Role =
  /** `enter`: makes this browser a device with the vault key that was granted. */
  | { readonly kind: 'new'; readonly enter: (vaultKey: Uint8Array<ArrayBuffer>) => Promise<void> }
  | { readonly kind: 'old'; readonly commitment: Uint8Array; readonly vaultKey: () => Uint8Array };

export class Approval {
  readonly #parts: ApprovalParts;
  readonly #role: Role;
  readonly #own: Side;
  readonly #order = new Mutex();
  readonly #timer: Timer;
  readonly code: string;
  readonly expiresAt: number;
  /** What the other side told, once it is known. */
  #theirs: Uint8Array | null = null;
  #grant: Uint8Array | null = null;
  #confirmed = false;
  #ended: ApprovalView['ended'] = null;

  private constructor(parts: ApprovalParts, role: Role, own: Side, code: string, expiresAt: number) {
    this.#parts = parts;
    this.#role = role;
    this.#own = own;
    this.code = code;
    this.expiresAt = expiresAt;
    this.#timer = parts.runtime.after(Math.max(0, expiresAt - parts.runtime.now()), () => this.#end('expired'));
  }

  static async ask(
    parts: ApprovalParts,
    enter: (vaultKey: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<Approval> {
    const own = makeSide(parts.runtime);
    const { code, expiresAt } = await parts.connection.call('approval.open', {
      commitment: commitmentOf(parts.userId, own.told),
    });
    return new Approval(parts, { kind: 'new', enter }, own, code, expiresAt);
  }

  /** Rejects with `approval.unknown` for a code that nobody asked with, that is over or was answered. */
  static async answer(parts: ApprovalParts, code: string, vaultKey: () => Uint8Array): Promise<Approval> {
    const own = makeSide(parts.runtime);
    const { commitment, expiresAt } = await parts.connection.call('approval.answer', { code });
    const approval = new Approval(parts, { kind: 'old', commitment, vaultKey }, own, code, expiresAt);
    // Only now that the other side is bound: told before it, an answer could be made to fit.
    await approval.#pass(own.told);
    return approval;
  }

  view(): ApprovalView {
    const { code, expiresAt } = this;
    return {
      role: this.#role.kind,
      code,
      expiresAt,
      check: this.#check(),
      confirmed: this.#confirmed,
      ended: this.#ended,
    };
  }

  #check(): readonly number[] | null {
    if (this.#theirs === null) return null;
    const [opening, answer] =
      this.#role.kind === 'new' ? [this.#own.told, this.#theirs] : [this.#theirs, this.#own.told];
    return checkOf(this.#parts.userId, opening, answer);
  }

  /** The server said that it went on. */
  heard(code: string): void {
    if (code === this.code) this.#order.run(() => this.#step()).catch(this.#parts.onTrouble);
  }

  /** The person compared: on both screens the same, or not. */
  confirm(same: boolean): Promise<void> {
    return this.#order.run(async () => {
      if (this.#theirs === null || this.#ended !== null) throw new LanyingError('ceremony.expired');
      if (!same) return this.#giveUp('different');
      this.#confirmed = true;
      this.#parts.onChange();
      if (this.#role.kind === 'old')
        await this.#pass(grantTo(this.#parts.runtime, this.#own, this.#theirs, this.#role.vaultKey()));
      await this.#finish();
    });
  }

  cancel(): Promise<void> {
    return this.#order.run(() => this.#giveUp('refused'));
  }

  close(): void {
    this.#timer.cancel();
  }

  async #giveUp(why: 'different' | 'refused'): Promise<void> {
    if (this.#ended !== null) return;
    this.#end(why);
    try {
      await this.#parts.connection.call('approval.end', { code: this.code });
    } catch (cause) {
      // It runs out by itself.
      if (!(cause instanceof LanyingError)) throw cause;
    }
  }

  #end(why: NonNullable<ApprovalView['ended']>): void {
    if (this.#ended !== null) return;
    this.#ended = why;
    this.#timer.cancel();
    this.#parts.onChange();
  }

  async #pass(part: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#parts.connection.call('approval.pass', { code: this.code, part });
  }

  /** Each part counts once: what came first stays, whatever a server says later. */
  async #step(): Promise<void> {
    if (this.#ended !== null) return;
    const now = await this.#parts.connection.call('approval.get', { code: this.code });
    if (now.ended) return this.#end('refused');
    if (this.#role.kind === 'new') {
      if (this.#theirs === null && now.answer !== null)
        await this.#take(now.answer, now.answer.length === approvalSideBytes);
      this.#grant ??= now.grant;
      await this.#finish();
    } else if (this.#theirs === null && now.opening !== null) {
      await this.#take(now.opening, opensCommitment(this.#parts.userId, this.#role.commitment, now.opening));
    }
  }

  async #take(theirs: Uint8Array, fits: boolean): Promise<void> {
    if (!fits) return this.#giveUp('different');
    this.#theirs = theirs;
    // Only now, and never to another answer.
    if (this.#role.kind === 'new') await this.#pass(this.#own.told);
    this.#parts.onChange();
  }

  async #finish(): Promise<void> {
    if (!this.#confirmed || this.#theirs === null) return;
    if (this.#role.kind === 'old') return this.#end('done');
    if (this.#grant === null) return;
    const vaultKey = openGrant(this.#own, this.#theirs, this.#grant);
    if (vaultKey === null) return this.#giveUp('different');
    await this.#role.enter(vaultKey);
    this.#end('done');
  }
}
