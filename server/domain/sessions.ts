/** Sessions: 32 secret bytes that the server knows only by a keyed hash ([S1], [S2], [S3], [S6]). */
import { bytesOfId, type DeviceId, fromBase64Url, idFromBytes, type SessionId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { sessionLifetimeMs } from '#protocol/limits.ts';
import type { Must, SessionView, SignInFactor } from '#protocol/sign-in.ts';
import type { Scribe } from './audit/scribe.ts';
import type { Acts } from '../ports/audit-store.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { DeviceStore, SessionRecord, SessionStore } from '../ports/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { hmacSha256, joinBytes, sameSecret, utf8 } from './digests.ts';
import { placeOf, type Whence } from './sign-in/whence.ts';

const secretBytes = 32;
const idLength = 16;
const sessionsNoted = 20_000;
const dayOf = (at: number): number => Math.floor(at / 86_400_000);

/** Value of the cookie: base64url of session id and secret, 64 characters. */
export const cookieValue = (session: { readonly sessionId: SessionId; readonly secret: Uint8Array }): string =>
  toBase64Url(joinBytes(bytesOfId(session.sessionId), session.secret));

function parseCookieValue(value: string): { readonly sessionId: SessionId; readonly secret: Uint8Array } | null {
  const bytes = value.length === 64 ? fromBase64Url(value) : null;
  if (bytes === null) return null;
  return { sessionId: idFromBytes<SessionId>(bytes.subarray(0, idLength)), secret: bytes.subarray(idLength) };
}

export interface SessionParts {
  readonly store: SessionStore;
  readonly devices: Pick<DeviceStore, 'ofUsers'>;
  readonly bus: EventBus;
  readonly runtime: Runtime;
  /** 32 bytes; without it a stolen table of hashes proves nothing. */
  readonly key: Uint8Array;
}

export interface NewSession {
  readonly record: SessionRecord;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** How and from where a session begins. */
export interface Begun {
  readonly factor: SignInFactor;
  readonly whence: Whence;
  readonly must?: Must | null;
}

/** Absent where there is nothing to keep. */
const kept = <K extends string>(name: K, text: string | null): { readonly [N in K]?: string } =>
  text === null || text === '' ? {} : ({ [name]: text } as { readonly [N in K]: string });

export class Sessions {
  readonly #parts: SessionParts;
  /** When the use of a session was last noted. */
  readonly #noted = new BoundedMap<SessionId, number>(sessionsNoted);

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Always a new one; nothing that a client brought goes into it ([S2]). Not stored yet. */
  make(userId: UserId, deviceId: DeviceId | null, { factor, whence, must = null }: Begun): NewSession {
    const { runtime } = this.#parts;
    const sessionId = idFromBytes<SessionId>(runtime.random(idLength));
    const secret = runtime.random(secretBytes);
    const createdAt = runtime.now();
    const { network, browser, system } = placeOf(whence);
    const record: SessionRecord = {
      sessionId, secretHash: this.#hash(sessionId, secret), userId, deviceId, createdAt, expiresAt: createdAt + sessionLifetimeMs, factor,
      ...kept('network', network), ...kept('browser', browser), ...kept('system', system), ...(must === null ? {} : { must }),
    };
    return { record, secret };
  }

  async start(userId: UserId, begun: Begun, audit: Scribe<'sign_in.succeeded'>): Promise<NewSession> {
    const session = this.make(userId, null, begun);
    const object = { kind: 'session', id: session.record.sessionId } as const;
    const actor = { kind: 'person', userId } as const;
    await this.#parts.store.create(session.record, [audit({ act: 'sign_in.succeeded', actor, object, reason: begun.factor })]);
    return session;
  }

  /** Takes one back that nobody has the cookie of. */
  async undo({ sessionId }: SessionRecord, acts: Acts): Promise<void> {
    await this.#parts.store.end(sessionId, acts);
  }

  /** The live session behind a cookie's value; null for anything unknown, malformed, expired or ended. */
  async authenticate(value: string): Promise<SessionRecord | null> {
    const cookie = parseCookieValue(value);
    if (cookie === null) return null;
    const record = await this.byId(cookie.sessionId);
    return record !== null && sameSecret(record.secretHash, this.#hash(cookie.sessionId, cookie.secret)) ? record : null;
  }

  /** Once a day for each session; whoever uses it does not wait for that. */
  noteUse({ sessionId, createdAt, usedAt }: SessionRecord): void {
    const { store, runtime } = this.#parts;
    const now = runtime.now();
    const noted = this.#noted.get(sessionId) ?? Math.max(createdAt, usedAt ?? 0);
    if (dayOf(now) <= dayOf(noted)) return;
    this.#noted.set(sessionId, now);
    // Not noted: the next call tries again.
    store.used(sessionId, now).catch(() => this.#noted.delete(sessionId));
  }

  async byId(sessionId: SessionId): Promise<SessionRecord | null> {
    const record = await this.#parts.store.byId(sessionId);
    return record !== null && record.expiresAt > this.#parts.runtime.now() ? record : null;
  }

  /** [A17] It did what it had to; `next`: what comes then. */
  async did({ sessionId }: SessionRecord, next: Must | null): Promise<void> {
    await this.#parts.store.settle(sessionId, { must: next }, null);
    if (next === null) this.#parts.bus.publish({ kind: 'sessionFreed', sessionId });
  }

  /** [A17] From now on it may do nothing else before. */
  async restrict({ sessionId }: SessionRecord, must: Must): Promise<void> {
    await this.#parts.store.settle(sessionId, { must }, null);
    this.#parts.bus.publish({ kind: 'sessionRestricted', sessionId });
  }

  /** Of all these people, live or not. */
  ofUsers(userIds: readonly UserId[]): Promise<readonly SessionRecord[]> {
    return this.#parts.store.ofUsers(userIds);
  }

  /** [A14] */
  async proven({ sessionId }: SessionRecord, provenAt: number, reason: string, audit: Scribe<'session.proven'>): Promise<void> {
    await this.#parts.store.settle(sessionId, { provenAt }, [audit({ act: 'session.proven', object: { kind: 'session', id: sessionId }, reason })]);
  }

  async end(sessionId: SessionId, audit: Scribe<'session.ended'>): Promise<void> {
    await this.#parts.store.end(sessionId, [audit({ act: 'session.ended', object: { kind: 'session', id: sessionId }, reason: 'signed_out' })]);
    this.#parts.bus.publish({ kind: 'sessionEnded', sessionId, reason: 'signed_out' });
  }

  /** The one that asks first, then latest use first. */
  async list({ userId, sessionId: asking }: SessionRecord): Promise<readonly SessionView[]> {
    const { store, devices, runtime } = this.#parts;
    const now = runtime.now();
    const [found, all] = await Promise.all([store.ofUser(userId), devices.ofUsers([userId])]);
    const labels = new Map(all.map(({ deviceId, label }) => [deviceId, label]));
    const live = found.filter(({ expiresAt }) => expiresAt > now);
    const views = live.map(({ sessionId, createdAt, usedAt, expiresAt, network = null, browser = null, system = null, factor = null, deviceId }) => {
      const label = deviceId === null ? undefined : labels.get(deviceId);
      const current = sessionId === asking;
      return {
        sessionId, current, createdAt, usedAt: current ? now : Math.max(createdAt, usedAt ?? 0), expiresAt, network, browser, system, factor,
        device: deviceId === null || label === undefined ? null : { deviceId, label },
      };
    });
    return views.toSorted((one, other) => Number(other.current) - Number(one.current) || other.usedAt - one.usedAt || other.createdAt - one.createdAt);
  }

  /** [S6] Refuses session.unknown, also for a session of somebody else. */
  async revoke(userId: UserId, sessionId: SessionId, audit: Scribe<'session.ended'>): Promise<Result<Record<string, never>>> {
    const session = await this.#parts.store.byId(sessionId);
    if (session?.userId !== userId) return refuse('session.unknown');
    await this.#parts.store.end(sessionId, [audit({ act: 'session.ended', object: { kind: 'session', id: sessionId }, reason: 'revoked' })]);
    this.#parts.bus.publish({ kind: 'sessionEnded', sessionId, reason: 'revoked' });
    return ok({});
  }

  /** [S6] All of a person but `keep`; how many there were. `reason`: a fixed word. */
  async revokeAll(userId: UserId, keep: SessionId | null, reason: string, audit: Scribe<'session.ended'>): Promise<number> {
    const act = audit({ act: 'session.ended', object: { kind: 'account', id: userId }, reason, after: { kept: keep } });
    const ended = await this.#parts.store.endOf(userId, keep, [act]);
    for (const { sessionId } of ended) this.#parts.bus.publish({ kind: 'sessionEnded', sessionId, reason: 'revoked' });
    return ended.length;
  }

  /** [S4] From here on the session acts as this device. */
  async bind(session: SessionRecord, deviceId: DeviceId, audit: Scribe<'device.attached'>): Promise<SessionRecord> {
    const after = { session: session.sessionId };
    await this.#parts.store.bindDevice(session.sessionId, deviceId, [audit({ act: 'device.attached', object: { kind: 'device', id: deviceId }, after })]);
    this.#parts.bus.publish({ kind: 'sessionBound', sessionId: session.sessionId, deviceId });
    return { ...session, deviceId };
  }

  #hash(sessionId: SessionId, secret: Uint8Array): Uint8Array<ArrayBuffer> {
    return hmacSha256(this.#parts.key, utf8('lanying session 1'), bytesOfId(sessionId), secret);
  }
}
