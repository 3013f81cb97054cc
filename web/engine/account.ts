/** From nothing to a signed-in device: making an account, signing in, opening the vault. */
import * as v from 'valibot';
import { CeremonyId, type DeviceId, idFromBytes, type UnlockerId, type UserId } from '#protocol/ids.ts';
import type { Output } from '#protocol/commands/index.ts';
import type { Vault } from '#protocol/model.ts';
import { idBytes } from '#protocol/ids.ts';
import { withoutUnseen } from '#protocol/visible.ts';
import { type CreateAccountInput, type Grant, LanyingError, type RecoveryCodes, type SecondStepInput } from './api.ts';
import { identityFromSeed, issueCertificate, makeIdentity } from './identity/identity.ts';
import { sameBytes } from './identity/same-bytes.ts';
import { firstPackages } from './keys.ts';
import { post } from './http.ts';
import type { Connection } from './connection.ts';
import type { PasskeyCreated, Platform } from './ports.ts';
import { account, type AccountState } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';
import { makeVaultKey, openIdentitySeed, sealIdentitySeed } from './vault/identity-secret.ts';
import { makeRecoveryCode, parseRecoveryCode, type RecoveryCode } from './vault/recovery-code.ts';
import { prfSalt, type UnlockSecret, unlockVault, wrapVaultKey } from './vault/unlocker.ts';

type Session = Output<'session.get'>;
const certificateLifetimeMs = 5 * 365 * 86_400_000;

interface Prepared {
  readonly input: CreateAccountInput;
  readonly userId: UserId;
  readonly vaultKey: Uint8Array<ArrayBuffer>;
  readonly codes: readonly RecoveryCode[];
  readonly passkey: { readonly ceremonyId: Output<'account.passkeyOptions'>['ceremonyId']; readonly made: PasskeyCreated } | null;
}

export interface OpenedVault {
  readonly seed: Uint8Array;
  readonly vaultKey: Uint8Array<ArrayBuffer>;
  readonly earlierKeys: Uint8Array<ArrayBuffer>[];
}

/** What is to open a vault. */
interface Opening {
  readonly userId: UserId;
  readonly vaultKey: Uint8Array<ArrayBuffer>;
  readonly codes: readonly RecoveryCode[];
  readonly prf: Uint8Array<ArrayBuffer> | null;
  readonly credentialId: string;
}

/** Another identity, before it is in force. */
interface Anew {
  readonly vaultKey: Uint8Array<ArrayBuffer>;
  readonly codes: readonly RecoveryCode[];
}

export class AccountDesk {
  #prepared: Prepared | null = null;
  /** PRF output of the passkey that just signed in, until the vault is open. */
  #prf: Uint8Array<ArrayBuffer> | null = null;
  #credentialId = '';
  #anew: Anew | null = null;
  /** Past the password: what waits for the second step. */
  #second: string | null = null;
  /** Label that a device made from here gets. */
  #label = 'lanying';

  constructor(
    readonly platform: Platform,
    readonly store: SealedStore,
  ) {}

  info(): Promise<Output<'server.info'>> {
    return post(this.platform.network, 'server.info', {});
  }
  async endSession(): Promise<void> {
    await post(this.platform.network, 'session.end', {});
  }
  async checkGrant(grant: Grant): Promise<Output<'invite.check'>> {
    const { invitedBy, ...facts } = await post(this.platform.network, 'invite.check', { grant });
    return { invitedBy: invitedBy === null ? null : withoutUnseen(invitedBy).trim() || null, ...facts };
  }

  async checkHandle(grant: Grant, handle: string): Promise<void> {
    await post(this.platform.network, 'account.checkHandle', { grant, handle });
  }

  async prepare(input: CreateAccountInput): Promise<RecoveryCodes> {
    const { runtime } = this.platform;
    const before = this.#prepared?.input.grant.token === input.grant.token ? this.#prepared : null;
    const userId = before?.userId ?? idFromBytes<UserId>(runtime.random(idBytes));
    const passkey = input.factor.kind === 'passkey' ? await this.#makePasskey(input, userId) : null;
    if (passkey === null) await this.checkHandle(input.grant, input.handle);
    const needed = passkey !== null && passkey.made.prf !== null ? 1 : 2;
    // A code that was shown may be on paper already: it stays good, and only what is missing is made.
    const codes = [...(before?.codes ?? [])];
    while (codes.length < needed) codes.push(makeRecoveryCode(runtime));
    this.#prepared = { input, userId, vaultKey: before?.vaultKey ?? makeVaultKey(runtime), codes, passkey };
    return { code: codes[0] ?? '', spare: codes[1] ?? null };
  }

  async #makePasskey(input: CreateAccountInput, userId: UserId): Promise<NonNullable<Prepared['passkey']>> {
    const { network, passkeys } = this.platform;
    const { ceremonyId, options } = await post(network, 'account.passkeyOptions', { grant: input.grant, userId, handle: input.handle, displayName: input.displayName });
    return { ceremonyId, made: await passkeys.create(options, prfSalt) };
  }

  /** Makes the account. Rejects with the refusals of account.create, `passkey.cancelled` or `passkey.unsupported`; what was prepared stays for another try. */
  async finish(): Promise<AccountState> {
    const prepared = this.#prepared;
    if (prepared === null) throw new LanyingError('ceremony.expired');
    try {
      return await this.#create(prepared);
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code !== 'ceremony.expired' || prepared.passkey === null) throw cause;
    }
    return this.#create(await this.#renewed(prepared, prepared.passkey));
  }

  /**
   * Writing down a recovery code may take longer than a ceremony lives. The same person then confirms once more: the new
   * passkey takes the place of the first one on the authenticator (same user id), and the codes they wrote down stay.
   */
  async #renewed(prepared: Prepared, old: NonNullable<Prepared['passkey']>): Promise<Prepared> {
    const passkey = await this.#makePasskey(prepared.input, prepared.userId);
    // One code was enough beside a passkey that opens the vault; another authenticator without that would leave one unlocker.
    if (old.made.prf !== null && passkey.made.prf === null) throw new LanyingError('passkey.unsupported', { reason: 'prf' });
    this.#prepared = { ...prepared, passkey };
    return this.#prepared;
  }

  async #create(prepared: Prepared): Promise<AccountState> {
    const { runtime, network } = this.platform;
    const { input, userId, vaultKey, passkey } = prepared;
    const identity = makeIdentity(runtime);
    const { deviceId, certificate } = this.#newDevice(userId, identity.seed);
    const packages = await firstPackages({ runtime, store: this.store, keys: this.store.keys, certificate });
    await this.store.write(packages.writes);
    const session = await post(network, 'account.create', {
      grant: input.grant,
      userId,
      handle: input.handle,
      displayName: input.displayName,
      factor:
        passkey === null || input.factor.kind === 'password'
          ? { kind: 'password', password: input.factor.kind === 'password' ? input.factor.password : '' }
          : { kind: 'passkey', ceremonyId: passkey.ceremonyId, response: passkey.made.response },
      identityKey: new Uint8Array(identity.publicKey),
      device: { deviceId, certificate, label: input.deviceLabel },
      keyPackages: [...packages.published],
      vault: { sealed: sealIdentitySeed(runtime, vaultKey, userId, identity.seed), unlockers: this.#unlockers({ ...prepared, prf: passkey?.made.prf ?? null, credentialId: passkey?.made.credentialId ?? '' }) },
    });
    this.#prepared = null;
    return this.#keep(session, deviceId, certificate, { seed: identity.seed, vaultKey, earlierKeys: [] });
  }

  #unlockers({ userId, vaultKey, codes, prf, credentialId }: Opening) {
    const { runtime } = this.platform;
    const wrap = (secret: UnlockSecret, credential: string) => ({
      unlockerId: idFromBytes<UnlockerId>(runtime.random(idBytes)),
      kind: secret.kind,
      credentialId: credential,
      wrapped: wrapVaultKey(runtime, vaultKey, userId, secret),
    });
    const byCode = codes.map((code) => wrap({ kind: 'recovery-code', code }, ''));
    return prf === null ? byCode : [...byCode, wrap({ kind: 'passkey', prf }, credentialId)];
  }

  #newDevice(userId: UserId, seed: Uint8Array): { readonly deviceId: DeviceId; readonly certificate: Uint8Array<ArrayBuffer> } {
    const { runtime } = this.platform;
    const deviceId = idFromBytes<DeviceId>(runtime.random(idBytes));
    const issuedAt = runtime.now();
    const certificate = issueCertificate(identityFromSeed(seed), {
      userId, deviceId, deviceKey: this.store.keys.publicKey, issuedAt, expiresAt: issuedAt + certificateLifetimeMs,
    });
    return { deviceId, certificate };
  }

  async #keep(session: Session, deviceId: DeviceId, certificate: Uint8Array<ArrayBuffer>, opened: OpenedVault): Promise<AccountState> {
    const { seed, vaultKey, earlierKeys } = opened;
    const { userId, handle, displayName, role } = session.person;
    const state: AccountState = { userId, handle, displayName, role, deviceId, certificate, identitySeed: new Uint8Array(seed), vaultKey, earlierKeys };
    await this.store.write([await this.store.put(account, '', state)]);
    return state;
  }

  /** The same codes until it is finished: they may be on paper already. */
  prepareAnew(): RecoveryCodes {
    const { runtime } = this.platform;
    const codes = this.#anew?.codes ?? Array.from({ length: this.#prf === null ? 2 : 1 }, () => makeRecoveryCode(runtime));
    this.#anew ??= { vaultKey: makeVaultKey(runtime), codes };
    return { code: codes[0] ?? '', spare: codes[1] ?? null };
  }

  /** Rejects with `ceremony.expired` when nothing was prepared, and with the refusals of account.startAnew. */
  async finishAnew(connection: Connection, session: Session): Promise<AccountState> {
    const anew = this.#anew;
    if (anew === null) throw new LanyingError('ceremony.expired');
    const { runtime } = this.platform;
    const { userId } = session.person;
    const { vaultKey, codes } = anew;
    const identity = makeIdentity(runtime);
    const { deviceId, certificate } = this.#newDevice(userId, identity.seed);
    const packages = await firstPackages({ runtime, store: this.store, keys: this.store.keys, certificate });
    await this.store.write(packages.writes);
    const sealed = sealIdentitySeed(runtime, vaultKey, userId, identity.seed);
    const opening = { userId, vaultKey, codes, prf: this.#prf, credentialId: this.#credentialId };
    const started = await connection.call('account.startAnew', {
      identityKey: new Uint8Array(identity.publicKey),
      device: { deviceId, certificate, label: this.#label },
      keyPackages: [...packages.published],
      vault: { sealed, unlockers: this.#unlockers(opening) },
    });
    this.#prf = null;
    this.#anew = null;
    return this.#keep(started, deviceId, certificate, { seed: identity.seed, vaultKey, earlierKeys: [] });
  }

  async signInWithPassword(handle: string, password: string, label: string): Promise<Session> {
    this.#label = label;
    try {
      return await post(this.platform.network, 'signIn.password', { handle, password });
    } catch (cause) {
      if (cause instanceof LanyingError && cause.code === 'second_step.required') this.#second = cause.detail.ceremonyId ?? null;
      throw cause;
    }
  }

  async secondStep(step: SecondStepInput): Promise<Session> {
    const ceremony = v.safeParse(CeremonyId, this.#second);
    if (!ceremony.success) throw new LanyingError('ceremony.expired');
    const session = await this.#finishSecond(ceremony.output, step);
    this.#second = null;
    return session;
  }

  async #finishSecond(ceremonyId: CeremonyId, step: SecondStepInput): Promise<Session> {
    const { network, passkeys } = this.platform;
    if (step.kind === 'totp') return post(network, 'signIn.totp', { ceremonyId, code: step.code.replaceAll(/\s/g, '') });
    if (step.kind === 'recovery-code') return post(network, 'signIn.recoveryCode', { ceremonyId, code: step.code });
    const { options } = await post(network, 'signIn.passkeySecondOptions', { ceremonyId });
    const { response, prf } = await passkeys.get(options, prfSalt);
    const session = await post(network, 'signIn.passkeySecond', { ceremonyId, response });
    this.#prf = prf;
    return session;
  }

  async signInWithPasskey(label: string): Promise<Session> {
    this.#label = label;
    const { network, passkeys } = this.platform;
    const { ceremonyId, options } = await post(network, 'signIn.passkeyOptions', {});
    const used = await passkeys.get(options, prfSalt);
    const session = await post(network, 'signIn.passkey', { ceremonyId, response: used.response });
    this.#prf = used.prf;
    this.#credentialId = used.credentialId;
    return session;
  }

  /** Tries the passkey that signed in; null when it cannot open the vault. */
  async unlockWithSignIn(connection: Connection, session: Session): Promise<AccountState | null> {
    const prf = this.#prf;
    if (prf === null) return null;
    const vault = await connection.call('vault.get', {});
    return this.#unlock(connection, session, vault, { kind: 'passkey', prf });
  }

  async unlockWithCode(connection: Connection, session: Session, typed: string): Promise<AccountState> {
    const code = parseRecoveryCode(typed);
    if (code === null) throw new LanyingError('recovery_code.malformed');
    const vault = await connection.call('vault.get', {});
    const state = await this.#unlock(connection, session, vault, { kind: 'recovery-code', code });
    if (state === null) throw new LanyingError('recovery_code.wrong');
    return state;
  }

  async unlockWithPasskey(connection: Connection, session: Session): Promise<AccountState> {
    const { options } = await post(this.platform.network, 'signIn.passkeyOptions', {});
    const { prf } = await this.platform.passkeys.get(options, prfSalt);
    if (prf === null) throw new LanyingError('passkey.unsupported');
    const state = await this.#unlock(connection, session, await connection.call('vault.get', {}), { kind: 'passkey', prf });
    if (state === null) throw new LanyingError('vault.locked');
    return state;
  }

  /** By the vault key that an old device gave. Rejects with `identity.mismatch` when it does not open the vault. */
  async unlockWithKey(connection: Connection, session: Session, vaultKey: Uint8Array<ArrayBuffer>): Promise<AccountState> {
    return this.#enter(connection, session, await connection.call('vault.get', {}), vaultKey);
  }

  /** Opens the vault and makes this browser a device of the person; null when the secret fits no unlocker. */
  async #unlock(connection: Connection, session: Session, vault: Vault, secret: UnlockSecret): Promise<AccountState | null> {
    const opened = unlockVault(session.person.userId, vault.unlockers, secret);
    return opened.ok ? this.#enter(connection, session, vault, opened.vaultKey) : null;
  }

  async #enter(connection: Connection, session: Session, vault: Vault, vaultKey: Uint8Array<ArrayBuffer>): Promise<AccountState> {
    const { userId, identityKey } = session.person;
    const inside = openIdentitySeed(vaultKey, userId, vault.sealed);
    // A server that names another identity than the vault holds is lying about one of them.
    if (!inside.ok || !sameBytes(identityFromSeed(inside.seed).publicKey, identityKey)) throw new LanyingError('identity.mismatch');
    const { deviceId, certificate } = this.#newDevice(userId, inside.seed);
    const packages = await firstPackages({ runtime: this.platform.runtime, store: this.store, keys: this.store.keys, certificate });
    await this.store.write(packages.writes);
    const registered = await connection.call('device.register', { device: { deviceId, certificate, label: this.#label }, keyPackages: [...packages.published] });
    this.#prf = null;
    return this.#keep(registered, deviceId, certificate, { seed: inside.seed, vaultKey, earlierKeys: [...inside.earlier] });
  }
}

