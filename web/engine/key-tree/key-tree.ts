/**
 * The key directory as this device knows it ([X5]–[X9]): what is known at once. Looking up, asking and comparing are in
 * checking.ts, which comes with the first connection.
 */
import type { DeviceId, UserId } from '#protocol/ids.ts';
import type { Person } from '#protocol/model.ts';
import type { DirectoryView, SecurityNotice } from '../api.ts';
import type { Connection } from '../connection.ts';
import type { ToldHead } from '../content/content.ts';
import { late } from '../late.ts';
import type { Runtime } from '../ports.ts';
import { keyTree, type KeyTreeState } from '../store/records.ts';
import type { SealedStore } from '../store/sealed-store.ts';

/** A head is told again in a conversation after so long, even when it has not changed. */
const tellAgainMs = 60 * 60_000;

export interface KeyTreeListener {
  onChange(): void;
  onNotice(notice: SecurityNotice): void;
}

export interface KeyTreeParts {
  readonly runtime: Runtime;
  readonly store: SealedStore;
  readonly connection: Connection;
  readonly me: { readonly userId: UserId; readonly identityKey: Uint8Array };
  readonly listener: KeyTreeListener;
}

/** What was last told in a conversation. */
export interface Told {
  readonly size: number;
  readonly at: number;
}

export class KeyTree {
  /** The last head that held, and what contradicts it. Only checking.ts changes it. */
  state: KeyTreeState | null = null;
  readonly #checking = late(async () => new (await import('./checking.ts')).Checking(this.parts, this));

  constructor(readonly parts: KeyTreeParts) {}

  async load(): Promise<void> {
    this.state = await this.parts.store.get(keyTree);
  }

  view(): DirectoryView {
    const fault = this.state?.fault ?? null;
    if (fault === null) return { state: 'consistent' };
    const { kind, proven, at, from } = fault;
    return { state: 'contradicted', fault: kind, blocked: proven, at, heardFrom: from };
  }

  /** [X8] Two signed heads contradict each other, and nobody has decided yet. */
  get blocked(): boolean {
    return this.state?.fault?.proven === true;
  }

  /** The head to put into the next message of a conversation, or null when it was told there ([X7]). */
  toTell(told: Told | null): ToldHead | null {
    const { state } = this;
    if (state === null || state.fault !== null) return null;
    const now = this.parts.runtime.now();
    if (told !== null && told.size === state.size && now >= told.at && now - told.at < tellAgainMs) return null;
    return { size: state.size, root: state.root, signature: state.signature };
  }

  /** Brings leaves and head up to date: one call when nothing changed. Rejects when the server cannot be asked. */
  async refresh(): Promise<void> {
    await (await this.#checking()).refresh();
  }

  /** [X5] Those whose identity key is not in the directory; the server is asked once when some are not known here. */
  async unlisted(people: readonly Person[]): Promise<ReadonlySet<UserId>> {
    return (await this.#checking()).unlisted(people);
  }

  /** [X5] Whether a person's identity key and one of their device certificates are both in it. */
  async lists(userId: UserId, identityKey: Uint8Array, certificate: Uint8Array): Promise<boolean> {
    return (await this.#checking()).lists(userId, identityKey, certificate);
  }

  /** [X5] Whether the directory says that this device was taken away, as far as it is known here. */
  async revoked(userId: UserId, deviceId: DeviceId): Promise<boolean> {
    return (await this.#checking()).revoked(userId, deviceId);
  }

  /** [X7] A head inside a message of somebody else's. Rejects only when the server had to be asked and could not be. */
  async heard(from: UserId, head: ToldHead): Promise<void> {
    await (await this.#checking()).heard(from, head);
  }

  /** The person looked into it and goes on with what the server shows now: as at the first sight. */
  async decide(): Promise<void> {
    await (await this.#checking()).decide();
  }
}
