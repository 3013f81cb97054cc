/** The approval under way on this device, of whichever side. */
import type { Approval, ApprovalParts } from './approval.ts';
import { type ApprovalView, LanyingError } from './api.ts';
import { late } from './late.ts';

const approval = late(() => import('./approval.ts'));

export class Approving {
  #now: Approval | null = null;

  constructor(
    /** Rejects with the code that the account's present state calls for. */
    readonly parts: () => Omit<ApprovalParts, 'onChange'>,
    readonly onChange: () => void,
  ) {}

  view(): ApprovalView | null {
    return this.#now?.view() ?? null;
  }

  heard(code: string): void {
    this.#now?.heard(code);
  }

  async ask(enter: (vaultKey: Uint8Array<ArrayBuffer>) => Promise<void>): Promise<void> {
    const { Approval } = await approval();
    this.#set(await Approval.ask({ ...this.parts(), onChange: this.onChange }, enter));
  }

  /** However it was typed. */
  async answer(typed: string, vaultKey: () => Uint8Array): Promise<void> {
    const code = typed.normalize('NFKC').toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
    if (!/^[0-9A-HJKMNP-TV-Z]{8}$/.test(code)) throw new LanyingError('approval.unknown');
    const { Approval } = await approval();
    this.#set(await Approval.answer({ ...this.parts(), onChange: this.onChange }, code, vaultKey));
    this.#now?.heard(code);
  }

  confirm(same: boolean): Promise<void> {
    return this.#now === null ? Promise.reject(new LanyingError('ceremony.expired')) : this.#now.confirm(same);
  }

  async close(): Promise<void> {
    const now = this.#now;
    this.#set(null);
    await now?.cancel();
  }

  /** Without a word to the other side: this device is in, or gone. */
  forget(): void {
    if (this.#now !== null) this.#set(null);
  }

  #set(next: Approval | null): void {
    this.#now?.close();
    this.#now = next;
    this.onChange();
  }
}
