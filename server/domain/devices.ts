/** Devices and their key packages ([S4], [D1]–[D3], [K1]–[K3]) and their mailboxes ([M1]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { bytesOfId, type CeremonyId, type DeviceId, idFromBytes, type SessionId, type UserId } from '#protocol/ids.ts';
import { ceremonyLifetimeMs, devicesPerUserMax, keyPackagesRefillBelow, mailboxPageMax } from '#protocol/limits.ts';
import { parseCertificate } from '#protocol/certificate.ts';
import type { Device, NewDevice, NewKeyPackage, Suite } from '#protocol/model.ts';
import type { Scribe } from './audit/scribe.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { AccountStore, CeremonyStore, DeviceStore, SessionRecord } from '../ports/store.ts';
import { checkCertificate, keyPackagesFault } from './device-certificates.ts';
import { joinBytes, sameBytes, sha256, utf8, verifyEd25519 } from './digests.ts';
import { pageOf } from './pages.ts';
import type { Sessions } from './sessions.ts';

export interface DeviceParts {
  readonly store: DeviceStore;
  readonly accounts: AccountStore;
  readonly ceremonies: CeremonyStore;
  readonly sessions: Sessions;
  readonly bus: EventBus;
  readonly runtime: Runtime;
}

/** What a device signs to take over a session ([S4]). */
export const attachedBytes = (sessionId: SessionId, deviceId: DeviceId, challenge: Uint8Array): Uint8Array<ArrayBuffer> =>
  joinBytes(utf8('lanying attach 1'), bytesOfId(sessionId), bytesOfId(deviceId), challenge);

/** A challenge is found only by its own session. */
const challengeId = (sessionId: SessionId, challenge: Uint8Array): CeremonyId =>
  idFromBytes<CeremonyId>(sha256(utf8('lanying attach challenge 1'), bytesOfId(sessionId), challenge).subarray(0, 16));

type Counts = Output<'keyPackage.counts'>;

export class Devices {
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  /** Refuses device.refused, device.too_many, key_package.invalid; the session becomes the device's. */
  async register(
    session: SessionRecord,
    offered: NewDevice,
    keyPackages: readonly NewKeyPackage[],
    audit: Scribe<'device.registered' | 'device.attached'>,
  ): Promise<Result<SessionRecord>> {
    const { accounts, store, runtime, bus, sessions } = this.#parts;
    const account = await accounts.byId(session.userId);
    if (account === null) return refuse('device.refused', { reason: 'user' });
    const now = runtime.now();
    const { userId, identityKey } = account;
    const checked = checkCertificate(offered.certificate, { userId, deviceId: offered.deviceId, identityKey, now });
    if (typeof checked === 'string') return refuse('device.refused', { reason: checked });
    const fault = keyPackagesFault(keyPackages, offered.certificate, now);
    if (fault !== null) return refuse('key_package.invalid', { reason: fault });
    const personal = { subject: userId, fields: { label: offered.label } };
    const registered = audit({ act: 'device.registered', object: { kind: 'device', id: offered.deviceId }, personal });
    const outcome = await store.register({ userId, ...offered, createdAt: now }, keyPackages, devicesPerUserMax, [registered]);
    if (outcome === 'exists') return refuse('device.refused', { reason: 'exists' });
    if (outcome === 'unknown_account') return refuse('device.refused', { reason: 'user' });
    if (outcome === 'too_many') return refuse('device.too_many');
    const bound = await sessions.bind(session, offered.deviceId, audit);
    bus.publish({ kind: 'devices', userId });
    return ok(bound);
  }

  async challenge(session: SessionRecord): Promise<Uint8Array<ArrayBuffer>> {
    const { runtime, ceremonies } = this.#parts;
    const challenge = runtime.random(32);
    await ceremonies.put(challengeId(session.sessionId, challenge), bytesOfId(session.sessionId), runtime.now() + ceremonyLifetimeMs);
    return challenge;
  }

  /** Refuses device.unknown, device.refused, ceremony.expired. */
  async attach(
    session: SessionRecord,
    { deviceId, challenge, signature }: Input<'device.attach'>,
    audit: Scribe<'device.attached'>,
  ): Promise<Result<SessionRecord>> {
    const { store, ceremonies, runtime, sessions } = this.#parts;
    const device = await store.byId(deviceId);
    if (device === null || device.userId !== session.userId) return refuse('device.unknown');
    const taken = await ceremonies.take(challengeId(session.sessionId, challenge), runtime.now());
    if (taken === null || !sameBytes(taken, bytesOfId(session.sessionId))) return refuse('ceremony.expired');
    const certificate = parseCertificate(device.certificate);
    if (certificate === null || certificate.expiresAt <= runtime.now()) return refuse('device.refused', { reason: 'expired' });
    if (!verifyEd25519(certificate.deviceKey, attachedBytes(session.sessionId, deviceId, challenge), signature)) {
      return refuse('device.refused', { reason: 'signature' });
    }
    return ok(await sessions.bind(session, deviceId, audit));
  }

  /** Refuses key_package.invalid. */
  async publish(deviceId: DeviceId, keyPackages: readonly NewKeyPackage[]): Promise<Result<Counts>> {
    const device = await this.#parts.store.byId(deviceId);
    if (device === null) return refuse('key_package.invalid', { reason: 'credential' });
    const fault = keyPackagesFault(keyPackages, device.certificate, this.#parts.runtime.now());
    if (fault !== null) return refuse('key_package.invalid', { reason: fault });
    await this.#parts.store.publish(deviceId, keyPackages);
    return ok(await this.counts(deviceId));
  }

  async counts(deviceId: DeviceId): Promise<Counts> {
    return { counts: [...(await this.#parts.store.counts(deviceId))].map(([suite, count]) => ({ suite, count })) };
  }

  /** Refuses person.unknown, key_package.exhausted; then nothing is used up ([K3]). */
  async claim({ userIds, suite, except }: Input<'keyPackage.claim'>): Promise<Result<Output<'keyPackage.claim'>>> {
    const people = [...new Set(userIds)];
    for (const userId of people) if ((await this.#parts.accounts.byId(userId)) === null) return refuse('person.unknown');
    const excepted = new Set(except);
    const wanted = (await this.#parts.store.ofUsers(people)).filter((device) => !excepted.has(device.deviceId));
    const keyPackages = await this.#parts.store.claim(wanted, suite);
    if (keyPackages === null) return refuse('key_package.exhausted');
    await this.#reportLow(wanted, suite);
    return ok({ keyPackages: [...keyPackages] });
  }

  async list(userIds: readonly UserId[]): Promise<Output<'device.list'>> {
    const { store } = this.#parts;
    return { devices: [...(await store.ofUsers([...new Set(userIds)]))], revocations: [...(await store.revocations(userIds))] };
  }

  async welcomes(deviceId: DeviceId): Promise<Output<'welcome.list'>> {
    const waiting = await this.#parts.store.welcomes(deviceId, mailboxPageMax + 1);
    const welcomes = pageOf(waiting.slice(0, mailboxPageMax), ({ bytes }) => bytes.length);
    return { welcomes, more: welcomes.length < waiting.length };
  }

  async acknowledge(deviceId: DeviceId, { welcomeIds }: Input<'welcome.acknowledge'>): Promise<void> {
    await this.#parts.store.acknowledge(deviceId, welcomeIds);
  }

  async #reportLow(devices: readonly Device[], suite: Suite): Promise<void> {
    for (const { deviceId } of devices) {
      const count = (await this.#parts.store.counts(deviceId)).get(suite) ?? 0;
      if (count < keyPackagesRefillBelow) this.#parts.bus.publish({ kind: 'keyPackagesLow', deviceId, suite, count });
    }
  }
}
