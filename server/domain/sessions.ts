/** Sessions: 32 secret bytes that the server knows only by a keyed hash ([S1], [S2], [S3]). */
import { bytesOfId, type DeviceId, fromBase64Url, idFromBytes, type SessionId, toBase64Url, type UserId } from '#protocol/ids.ts';
import { sessionLifetimeMs } from '#protocol/limits.ts';
import type { Scribe } from './audit/scribe.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { SessionRecord, SessionStore } from '../ports/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { hmacSha256, joinBytes, sameSecret, utf8 } from './digests.ts';

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
  readonly bus: EventBus;
  readonly runtime: Runtime;
  /** 32 bytes; without it a stolen table of hashes proves nothing. */
  readonly key: Uint8Array;
}

export interface NewSession {
  readonly record: SessionRecord;
  readonly secret: Uint8Array<ArrayBuffer>;
}

export class Sessions {
  readonly #parts: SessionParts;
  /** When the use of a session was last noted. */
  readonly #noted = new BoundedMap<SessionId, number>(sessionsNoted);

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Always a new one; nothing that a client brought goes into it ([S2]). Not stored yet. */
  make(userId: UserId, deviceId: DeviceId | null): NewSession {
    const { runtime } = this.#parts;
    const sessionId = idFromBytes<SessionId>(runtime.random(idLength));
    const secret = runtime.random(secretBytes);
    const createdAt = runtime.now();
    const record = { sessionId, secretHash: this.#hash(sessionId, secret), userId, deviceId, createdAt, expiresAt: createdAt + sessionLifetimeMs };
    return { record, secret };
  }

  async start(userId: UserId, factor: 'password' | 'passkey', audit: Scribe<'sign_in.succeeded'>): Promise<NewSession> {
    const session = this.make(userId, null);
    const object = { kind: 'session', id: session.record.sessionId } as const;
    const actor = { kind: 'person', userId } as const;
    await this.#parts.store.create(session.record, [audit({ act: 'sign_in.succeeded', actor, object, reason: factor })]);
    return session;
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

  async end(sessionId: SessionId, audit: Scribe<'session.ended'>): Promise<void> {
    await this.#parts.store.end(sessionId, [audit({ act: 'session.ended', object: { kind: 'session', id: sessionId }, reason: 'signed_out' })]);
    this.#parts.bus.publish({ kind: 'sessionEnded', sessionId, reason: 'signed_out' });
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
