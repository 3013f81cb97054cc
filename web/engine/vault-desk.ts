/**
 * The vault of a device that has it open: its unlockers, and its key, which changes when a device or an unlocker goes
 * ([V4], [E16]).
 */
import { parseCertificate } from '#protocol/certificate.ts';
import type { Output } from '#protocol/commands/index.ts';
import { bytesOfId, type ConversationId, type DeviceId, idBytes, idFromBytes, type UnlockerId } from '#protocol/ids.ts';
import { unlockersMin } from '#protocol/limits.ts';
import type { Vault } from '#protocol/model.ts';
import { LanyingError, type VaultView } from './api.ts';
import type { Connection } from './connection.ts';
import type { Devices } from './devices.ts';
import type { Directory } from './directory.ts';
import { late } from './late.ts';
import { Mutex } from './mutex.ts';
import type { Runtime } from './ports.ts';
import { account, type AccountState, rekeyDue } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';
import type { UnlockSecret } from './vault/unlocker.ts';
import type { VaultCipher } from './vault/vault-cipher.ts';
import { sameBytes } from './identity/same-bytes.ts';

const attemptsMax = 4;
type Unlockers = Vault['unlockers'];
type OwnDevice = Output<'device.own'>['devices'][number];
const hex = (deviceId: DeviceId): string =>
  [...bytesOfId(deviceId)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const pointOf = (deviceId: DeviceId): string => `point.${hex(deviceId)}`;
const handoverOf = (deviceId: DeviceId): string => `handover.${hex(deviceId)}`;

/** `add`: made for the new vault key. */
interface Change {
  readonly drop: readonly UnlockerId[];
  readonly add: ((vaultKey: Uint8Array) => Unlockers[number]) | null;
}

export interface VaultDeskParts {
  readonly runtime: Runtime;
  readonly store: SealedStore;
  readonly connection: Connection;
  readonly directory: Directory;
  readonly devices: Devices;
  readonly cipher: VaultCipher;
  /** Conversations whose archive this device knows of. */
  readonly conversations: () => readonly ConversationId[];
  readonly onChange: () => void;
}

export class VaultDesk {
  readonly #parts: VaultDeskParts;
  readonly #order = new Mutex();
  readonly #secrets = late(() => import('./vault/secrets.ts'));
  #me: AccountState;
  #unlockers: Unlockers | null = null;
  /** The key was changed elsewhere and nobody handed it over: this device needs an unlocker. */
  #closed = false;
  #published = false;
  /** A device went, and the key is still the one that it knew. */
  #due = false;

  constructor(parts: VaultDeskParts, me: AccountState) {
    this.#parts = parts;
    this.#me = me;
  }

  /** Null until the server was asked. */
  view(): VaultView | null {
    const unlockers = this.#unlockers?.map(({ unlockerId, kind, createdAt }) => ({ unlockerId, kind, createdAt }));
    return unlockers === undefined ? null : { unlockers, closed: this.#closed, rekeyDue: this.#due };
  }

  get vaultKey(): Uint8Array<ArrayBuffer> {
    return this.#me.vaultKey;
  }

  /** After each connection, and when one's own devices changed. */
  synchronise(): Promise<void> {
    return this.#order.run(async () => {
      await this.#publishPoint();
      await this.#look();
      await this.#rekeyDue();
    });
  }

  /** The vault as it is, and its key here brought up to it. */
  async #look(): Promise<Vault> {
    const vault = await this.#parts.connection.call('vault.get', {});
    if (!(await this.#adopt(this.#me.vaultKey, vault))) {
      const handed = await this.#handed();
      this.#closed = handed === null || !(await this.#adopt(handed, vault));
    }
    this.#unlockers = vault.unlockers;
    this.#parts.onChange();
    return vault;
  }

  /** Takes a key that opens the vault, with the identity that this device was made by; false when it does not. */
  async #adopt(vaultKey: Uint8Array<ArrayBuffer>, vault: Vault): Promise<boolean> {
    const { openIdentitySeed } = await this.#secrets();
    const inside = openIdentitySeed(vaultKey, this.#me.userId, vault.sealed);
    if (!inside.ok || !sameBytes(inside.seed, this.#me.identitySeed)) return false;
    this.#closed = false;
    if (!sameBytes(vaultKey, this.#me.vaultKey)) await this.#keep({ vaultKey, earlierKeys: [...inside.earlier] });
    return true;
  }

  async #keep(change: Partial<AccountState>): Promise<void> {
    const { store, cipher } = this.#parts;
    this.#me = { ...this.#me, ...change };
    await store.write([await store.put(account, '', this.#me)]);
    if (change.vaultKey !== undefined) await cipher.rekey(this.#me.vaultKey, this.#me.earlierKeys ?? []);
  }

  // Between one's own devices.

  async #publishPoint(): Promise<void> {
    const { runtime, store } = this.#parts;
    if (this.#me.handoverSecret === undefined) await this.#keep({ handoverSecret: runtime.random(32) });
    const { handoverSecret } = this.#me;
    if (handoverSecret === undefined || this.#published) return;
    const { publishPoint } = await this.#secrets();
    this.#published = await this.#put(
      pointOf(this.#me.deviceId),
      await publishPoint(this.#me, store.keys, handoverSecret),
    );
  }

  /** False when somebody else was faster each time. */
  async #put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { connection } = this.#parts;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const there = await connection.call('vaultItem.get', { name });
      if (there.sealed !== null && sameBytes(there.sealed, bytes)) return true;
      try {
        await connection.call('vaultItem.put', { name, version: there.version, sealed: bytes });
        return true;
      } catch (cause) {
        if (!(cause instanceof LanyingError) || cause.code !== 'vault.conflict') throw cause;
      }
    }
    return false;
  }

  async #deviceKey({ certificate, deviceId }: OwnDevice): Promise<Uint8Array<ArrayBuffer> | null> {
    const claimed = parseCertificate(certificate);
    if (claimed?.deviceId !== deviceId || claimed.userId !== this.#me.userId || this.#parts.devices.revoked(deviceId))
      return null;
    return (await this.#parts.directory.checkCredential(certificate, claimed.deviceKey)) ? claimed.deviceKey : null;
  }

  async #handed(): Promise<Uint8Array<ArrayBuffer> | null> {
    const { connection } = this.#parts;
    const { sealed } = await connection.call('vaultItem.get', { name: handoverOf(this.#me.deviceId) });
    const { giverOf, takeOver } = await this.#secrets();
    const giver = sealed === null ? null : giverOf(sealed);
    const { devices } = await connection.call('device.own', {});
    const device = devices.find(({ deviceId }) => deviceId === giver);
    const giverKey = device === undefined ? null : await this.#deviceKey(device);
    const { handoverSecret } = this.#me;
    if (sealed === null || giverKey === null || handoverSecret === undefined) return null;
    return takeOver(this.#me, handoverSecret, giverKey, sealed);
  }

  async #handOver(vaultKey: Uint8Array): Promise<void> {
    const { connection, runtime, store } = this.#parts;
    const { handOver, readPoint } = await this.#secrets();
    const { devices } = await connection.call('device.own', {});
    for (const device of devices) {
      const { deviceId } = device;
      const deviceKey = await this.#deviceKey(device);
      const { sealed } = await connection.call('vaultItem.get', { name: pointOf(deviceId) });
      const holder = { userId: this.#me.userId, deviceId };
      const point = deviceKey === null || sealed === null ? null : await readPoint(holder, deviceKey, sealed);
      if (point === null) continue;
      const giver = { deviceId: this.#me.deviceId, keys: store.keys };
      await this.#put(handoverOf(deviceId), await handOver(runtime, giver, { ...holder, point }, vaultKey));
    }
  }

  // Changes.

  /** Another vault key, for a device that goes: noted first, so that it is made up for wherever it is interrupted. */
  async goes(removal: () => Promise<void>): Promise<void> {
    const { store } = this.#parts;
    await store.write([await store.put(rekeyDue, '', { due: true })]);
    this.#due = true;
    await removal();
    await this.#order.run(() => this.#rekeyDue());
  }

  /** Where too few unlockers can follow it stays due, and the person is asked for a new one. */
  async #rekeyDue(): Promise<void> {
    this.#due = (await this.#parts.store.get(rekeyDue)) !== null;
    if (!this.#due || this.#closed) return;
    try {
      await this.#change({ drop: [], add: null });
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code !== 'vault.unlockers_missing') throw cause;
    }
  }

  /** A new unlocker; those in `replaced` open nothing any more. `vault.locked` while the vault is closed here. */
  async add(secret: UnlockSecret, credentialId: string, replaced: readonly UnlockerId[] = []): Promise<void> {
    const { runtime } = this.#parts;
    const { wrapVaultKey } = await this.#secrets();
    const unlockerId = idFromBytes<UnlockerId>(runtime.random(idBytes));
    const made = (vaultKey: Uint8Array) => ({
      unlockerId,
      kind: secret.kind,
      credentialId,
      wrapped: wrapVaultKey(runtime, vaultKey, this.#me.userId, secret),
      createdAt: runtime.now(),
    });
    return this.#order.run(() => this.#change({ drop: replaced, add: made }));
  }

  /** Rejects with `vault.unlockers_missing` when fewer than two would be left. */
  remove(unlockerId: UnlockerId): Promise<void> {
    return this.#order.run(() => this.#change({ drop: [unlockerId], add: null }));
  }

  credentials(): readonly string[] {
    return (this.#unlockers ?? []).map(({ credentialId }) => credentialId);
  }

  /** Opens a vault whose key nobody handed over; false when the secret fits no unlocker. */
  reopen(secret: UnlockSecret): Promise<boolean> {
    return this.#order.run(async () => {
      const vault = await this.#look();
      const { unlockVault } = await this.#secrets();
      const opened = unlockVault(this.#me.userId, vault.unlockers, secret);
      const adopted = opened.ok && (await this.#adopt(opened.vaultKey, vault));
      this.#parts.onChange();
      return adopted;
    });
  }

  /**
   * Every change goes with a new key: handed to one's other devices first, then in force for all by one step on the
   * server, then here. Whatever gets lost in between, this device is among those that it was handed to.
   */
  async #change(change: Change): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const vault = await this.#look();
      if (this.#closed) throw new LanyingError('vault.locked');
      try {
        await this.#submit(vault, change);
        break;
      } catch (cause) {
        if (!(cause instanceof LanyingError) || cause.code !== 'vault.conflict' || attempt >= attemptsMax) throw cause;
      }
    }
    await this.#look();
    const { store, onChange } = this.#parts;
    await store.write([store.remove(rekeyDue, '')]);
    this.#due = false;
    onChange();
    await this.#reseal();
  }

  async #submit(vault: Vault, { drop, add }: Change): Promise<void> {
    const { runtime, connection } = this.#parts;
    const { userId, identitySeed, vaultKey: from, earlierKeys = [] } = this.#me;
    const { earlierKeysMax, makeVaultKey, rewrapVaultKey, sealIdentitySeed } = await this.#secrets();
    const to = makeVaultKey(runtime);
    const next = vault.unlockers
      .filter(({ unlockerId }) => !drop.includes(unlockerId))
      .map((unlocker) => {
        const wrapped = rewrapVaultKey(runtime, { from, to }, userId, unlocker.wrapped);
        // None is lost without its person's act: they put another in its place.
        if (wrapped === null) throw new LanyingError('vault.unlockers_missing', { reason: 'foreign' });
        return { ...unlocker, wrapped };
      });
    if (add !== null) next.push(add(to));
    if (next.length < unlockersMin) throw new LanyingError('vault.unlockers_missing');
    const sealed = sealIdentitySeed(runtime, to, userId, identitySeed, [from, ...earlierKeys].slice(0, earlierKeysMax));
    await this.#handOver(to);
    await connection.call('vault.update', {
      version: vault.version,
      sealed,
      unlockers: next.map(({ createdAt: _createdAt, ...unlocker }) => unlocker),
    });
  }

  async #reseal(): Promise<void> {
    const { connection, cipher, conversations, directory } = this.#parts;
    const { resealArchive } = await this.#secrets();
    await directory.resealPins();
    for (const conversationId of conversations()) await resealArchive(connection, cipher, conversationId);
  }
}
