/** People and the identity keys that they are known by. Every key that this device uses passes through the pins ([E1], [E2]). */
import { parseCertificate } from '#protocol/certificate.ts';
import type { UserId } from '#protocol/ids.ts';
import type { Person } from '#protocol/model.ts';
import { withoutUnseen } from '#protocol/visible.ts';
import { LanyingError, type PersonView, type SecurityNotice } from './api.ts';
import type { Connection } from './connection.ts';
import { verifyCertificate } from './identity/certificate.ts';
import { acceptKey, checkKey, decodePins, encodePins, mergePins, observeKey, type Pins } from './identity/pins.ts';
import { sameBytes } from './identity/same-bytes.ts';
import { KeyTree } from './key-tree/key-tree.ts';
import { late } from './late.ts';
import { Mutex } from './mutex.ts';
import type { Runtime } from './ports.ts';
import { type AccountState, pins as pinRecord } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';
import type { VaultCipher } from './vault/vault-cipher.ts';

const itemName = 'pins';
const safetyNumbers = late(() => import('./identity/safety-number.ts'));
const pageSize = 200;

export interface DirectoryListener {
  onChange(): void;
  onNotice(notice: SecurityNotice): void;
}

export class Directory {
  #people = new Map<UserId, Person>();
  #pins: Pins = new Map();
  #version = 0;
  #views: readonly PersonView[] | null = null;
  #gone: readonly UserId[] = [];
  readonly #fingerprints = new Map<UserId, { readonly key: Uint8Array; readonly digits: string }>();
  readonly #saving = new Mutex();
  #tree: KeyTree | null = null;

  constructor(
    readonly runtime: Runtime,
    readonly store: SealedStore,
    readonly connection: Connection,
    readonly vault: VaultCipher,
    readonly me: AccountState,
    readonly listener: DirectoryListener,
  ) {}

  async load(): Promise<void> {
    const stored = await this.store.get(pinRecord);
    const kept = (stored === null ? null : decodePins(stored.encoded)) ?? new Map();
    // One's own key is the one that this device's own certificate was signed with, never what the server says.
    const own = parseCertificate(this.me.certificate);
    if (own === null) throw new LanyingError('storage.failed', { field: 'account' });
    this.#pins = observeKey(kept, this.me.userId, own.identityKey, this.runtime.now()).pins;
    this.#version = stored?.version ?? 0;
    const { runtime, store, connection, me, listener } = this;
    this.#tree = new KeyTree({ runtime, store, connection, me: { userId: me.userId, identityKey: own.identityKey }, listener });
    await this.#tree.load();
  }

  /** Throws before `load`. */
  get tree(): KeyTree {
    if (this.#tree === null) throw new LanyingError('engine.closed');
    return this.#tree;
  }

  person(userId: UserId): Person | null {
    return this.#people.get(userId) ?? null;
  }

  byHandle(handle: string): Person | null {
    return [...this.#people.values()].find((person) => person.handle === handle) ?? null;
  }

  /** The identity key that is pinned for this person. */
  keyOf(userId: UserId): Uint8Array<ArrayBuffer> | null {
    return this.#pins.get(userId)?.key ?? null;
  }

  changed(userId: UserId): boolean {
    return this.#pins.get(userId)?.state === 'changed';
  }

  /** Everybody, and the pins of the person's other devices. */
  async refresh(): Promise<void> {
    await Promise.all([this.tree.refresh(), this.#pullPins()]);
    const listed = new Set<UserId>([this.me.userId]);
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await this.connection.call('people.list', after === undefined ? { limit: pageSize } : { after, limit: pageSize });
      await this.observe(page.people);
      for (const { userId } of page.people) listed.add(userId);
      after = page.people.at(-1)?.handle;
      more = page.more && after !== undefined;
    }
    this.#lacks(listed);
  }

  /** Whoever has a pin was here once: without a place in the directory their account is gone ([R15]). The pin stays. */
  #lacks(listed: ReadonlySet<UserId>): void {
    this.#setGone([...this.#pins.keys()].filter((userId) => !listed.has(userId)));
  }

  /** Whoever is leaving a conversation may have no account any more. */
  async lookFor(userIds: readonly UserId[]): Promise<void> {
    const asked = userIds.filter((userId) => this.#people.has(userId));
    if (asked.length === 0) return;
    const { people } = await this.connection.call('people.find', { userIds: asked });
    const found = new Set(people.map(({ userId }) => userId));
    this.#setGone([...this.#gone, ...asked.filter((userId) => !found.has(userId) && this.#pins.has(userId))]);
  }

  #setGone(gone: readonly UserId[]): void {
    if (gone.length === this.#gone.length && gone.every((userId, at) => userId === this.#gone[at])) return;
    this.#gone = gone;
    for (const userId of gone) this.#people.delete(userId);
    this.#views = null;
    this.listener.onChange();
  }

  /** People who had an account and have none any more. */
  gone(): readonly UserId[] {
    return this.#gone;
  }

  async observe(people: readonly Person[]): Promise<void> {
    const unlisted = await this.tree.unlisted(people);
    let pins = this.#pins;
    for (const person of people) {
      this.#people.set(person.userId, person);
      // [X5] Not even looked at: whoever is known by another key stays known by that one.
      if (unlisted.has(person.userId)) continue;
      const seen = observeKey(pins, person.userId, person.identityKey, this.runtime.now());
      if (seen.observation === 'changed' && pins !== seen.pins) {
        this.listener.onNotice({ kind: 'identity_changed', at: this.runtime.now(), userId: person.userId, conversationId: null });
      }
      pins = seen.pins;
    }
    this.#views = null;
    if (pins !== this.#pins) await this.#setPins(pins);
    this.listener.onChange();
  }

  /** Makes sure that these people are known; rejects with `person.unknown`. */
  async need(userIds: readonly UserId[]): Promise<void> {
    const missing = userIds.filter((userId) => !this.#people.has(userId));
    if (missing.length === 0) return;
    const { people } = await this.connection.call('people.find', { userIds: missing });
    await this.observe(people);
    if (missing.some((userId) => !this.#people.has(userId))) throw new LanyingError('person.unknown');
  }

  /** The same for people whose accounts may be gone: false when one is. */
  async seek(userIds: readonly UserId[]): Promise<boolean> {
    try {
      await this.need(userIds);
      return true;
    } catch (cause) {
      if (cause instanceof LanyingError && cause.code === 'person.unknown') return false;
      throw cause;
    }
  }

  async accept(userId: UserId): Promise<void> {
    const pin = this.#pins.get(userId);
    if (pin?.state !== 'changed') return;
    await this.#setPins(acceptKey(this.#pins, userId, pin.offered));
    this.#views = null;
    this.listener.onChange();
  }

  /** `digits`: the safety number that was compared; rejects with `identity.mismatch` when it is of another key by now. */
  async setVerified(userId: UserId, digits: string, verified: boolean): Promise<void> {
    const pin = this.#pins.get(userId);
    const shown = this.views().find((person) => person.userId === userId)?.safetyNumber ?? null;
    if (pin?.state !== 'pinned' || shown === null || shown !== digits) throw new LanyingError('identity.mismatch', { field: userId });
    await this.#setPins(checkKey(this.#pins, userId, pin.key, { verified, at: this.runtime.now() }));
    this.#views = null;
    this.listener.onChange();
  }

  /** The hook of every MLS operation: does this credential vouch for this key, by the pinned identity of its person? */
  readonly checkCredential = async (credential: Uint8Array, signatureKey: Uint8Array): Promise<boolean> => {
    const claimed = parseCertificate(credential);
    if (claimed === null || !sameBytes(claimed.deviceKey, signatureKey)) return false;
    if (!this.#pins.has(claimed.userId) && !(await this.seek([claimed.userId]))) return false;
    const pin = this.#pins.get(claimed.userId);
    if (pin === undefined) return false;
    const checked = await verifyCertificate(credential, { userId: claimed.userId, identityKey: pin.key, at: this.runtime.now() });
    const reason = checked.ok ? ((await this.tree.lists(claimed.userId, pin.key, credential)) ? null : 'not_in_directory') : checked.reason;
    if (reason !== null) {
      this.listener.onNotice({ kind: 'device_refused', at: this.runtime.now(), userId: claimed.userId, conversationId: null, reason });
    }
    return reason === null;
  };

  views(): readonly PersonView[] {
    if (this.#views !== null) return this.#views;
    this.#views = [...this.#people.values()].map((person) => {
      const pin = this.#pins.get(person.userId);
      const identity = pin === undefined ? 'unknown' : pin.state;
      const own = person.userId === this.me.userId;
      return {
        userId: person.userId,
        handle: person.handle,
        displayName: withoutUnseen(person.displayName).trim() || person.handle,
        role: person.role,
        safetyNumber: own || pin === undefined ? null : this.#safetyNumber(person.userId, pin.state === 'changed' ? pin.offered : pin.key),
        identity,
        verified: pin?.state === 'pinned' && pin.checked?.verified === true,
        keyChanges: own ? [] : (pin?.changes ?? []).map(({ at }) => at),
      };
    });
    return this.#views;
  }

  /** Null until it is worked out: 20 ms each, one at a time between other things. */
  #safetyNumber(userId: UserId, key: Uint8Array<ArrayBuffer>): string | null {
    const mine = this.#people.get(this.me.userId);
    if (mine === undefined) return null;
    const own = this.#digits(this.me.userId, mine.identityKey);
    const theirs = this.#digits(userId, key);
    return own === null || theirs === null ? null : own < theirs ? own + theirs : theirs + own;
  }

  #digits(userId: UserId, key: Uint8Array<ArrayBuffer>): string | null {
    const known = this.#fingerprints.get(userId);
    if (known !== undefined && sameBytes(known.key, key)) return known.digits === '' ? null : known.digits;
    this.#fingerprints.set(userId, { key, digits: '' });
    this.runtime.after(this.#fingerprints.size * 5, () => void this.#workOut(userId, key));
    return null;
  }

  async #workOut(userId: UserId, key: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const { fingerprint } = await safetyNumbers();
      this.#fingerprints.set(userId, { key, digits: fingerprint({ userId, identityKey: key }) });
    } catch (cause) {
      if (!(cause instanceof LanyingError)) throw cause;
      // Shown as not known yet, and worked out when the directory is next read.
      this.#fingerprints.delete(userId);
      return;
    }
    this.#views = null;
    this.listener.onChange();
  }

  async #setPins(pins: Pins): Promise<void> {
    this.#pins = pins;
    await this.store.write([await this.store.put(pinRecord, '', { version: this.#version, encoded: encodePins(pins) })]);
    await this.#saving.run(() => this.#pushPins());
  }

  /** Under the present vault key. */
  async resealPins(): Promise<void> {
    await this.#saving.run(() => this.#pushPins());
  }

  async #pullPins(): Promise<void> {
    const item = await this.connection.call('vaultItem.get', { name: itemName });
    if (item.sealed === null || item.version <= this.#version) return;
    const opened = await this.vault.openItem(itemName, item.version, item.sealed);
    const theirs = opened === null ? null : decodePins(opened);
    if (theirs === null) return;
    this.#version = item.version;
    this.#pins = mergePins(this.#pins, theirs);
  }

  /** The person's other devices find the same pins; a lost race takes theirs in and tries again. */
  async #pushPins(): Promise<void> {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const version = this.#version + 1;
      try {
        const sealed = await this.vault.sealItem(itemName, version, encodePins(this.#pins));
        await this.connection.call('vaultItem.put', { name: itemName, version: this.#version, sealed });
        this.#version = version;
        await this.store.write([await this.store.put(pinRecord, '', { version, encoded: encodePins(this.#pins) })]);
        return;
      } catch (cause) {
        if (!(cause instanceof LanyingError)) throw cause;
        if (cause.code !== 'vault.conflict') return;
        await this.#pullPins();
      }
    }
  }
}
