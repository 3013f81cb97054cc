import type { Acts } from '../../ports/audit-store.ts';
import { StoreFailure } from '../../ports/store.ts';
import type { SessionRecord, SessionStore } from '../../ports/store.ts';
import type { DeviceId, SessionId } from '#protocol/ids.ts';
import { uint64 } from '#protocol/envelope.ts';
import { joinBytes } from '../bytes.ts';
import type { Access } from './access.ts';
import type { Operation } from './group-writer.ts';

export function sessionOperations({ tables, keys }: Access, session: SessionRecord): readonly Operation[] {
  const key = keys.pseudonym('session', session.sessionId);
  return [
    tables.sessions.put(key, session),
    tables.sessionExpiry.put(joinBytes(uint64(session.expiresAt), key), { sessionId: session.sessionId }),
  ];
}

export class LevelSessions implements SessionStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  create(session: SessionRecord, acts: Acts): Promise<void> {
    return this.#alone(session.sessionId, () =>
      this.#access.audit.submit(sessionOperations(this.#access, session), acts),
    );
  }

  byId(sessionId: SessionId): Promise<SessionRecord | null> {
    return this.#access.tables.sessions.get(this.#access.keys.pseudonym('session', sessionId));
  }

  bindDevice(sessionId: SessionId, deviceId: DeviceId, acts: Acts): Promise<void> {
    return this.#alone(sessionId, async () => {
      const session = await this.byId(sessionId);
      if (session === null) throw new StoreFailure('the session to bind is not stored');
      const key = this.#access.keys.pseudonym('session', sessionId);
      await this.#access.audit.submit([this.#access.tables.sessions.put(key, { ...session, deviceId })], acts);
    });
  }

  end(sessionId: SessionId, acts: Acts): Promise<void> {
    return this.#alone(sessionId, async () => {
      const session = await this.byId(sessionId);
      if (session !== null) await this.#access.audit.submit(this.#removal(session), acts);
    });
  }

  async sweep(now: number, limit: number): Promise<number> {
    if (now <= 0) return 0;
    const { sessionExpiry } = this.#access.tables;
    const lte = joinBytes(uint64(now - 1), new Uint8Array(16).fill(0xff));
    const due = await sessionExpiry.list({ gte: new Uint8Array(0), lte, limit });
    const removed = await Promise.all(
      due.map(({ key, value }) =>
        this.#alone(value.sessionId, async () => {
          const session = await this.byId(value.sessionId);
          await this.#access.writer.submit(session === null ? [sessionExpiry.del(key)] : this.#removal(session));
          return session !== null;
        }),
      ),
    );
    return removed.filter(Boolean).length;
  }

  #removal(session: SessionRecord): readonly Operation[] {
    const { tables, keys } = this.#access;
    const key = keys.pseudonym('session', session.sessionId);
    return [tables.sessions.del(key), tables.sessionExpiry.del(joinBytes(uint64(session.expiresAt), key))];
  }

  #alone<T>(sessionId: SessionId, work: () => Promise<T>): Promise<T> {
    return this.#access.mutex.run(`session ${sessionId}`, work);
  }
}
