import type { Acts } from '../../ports/audit-store.ts';
import { StoreFailure } from '../../ports/store.ts';
import type { SessionRecord, SessionStore } from '../../ports/store.ts';
import type { DeviceId, SessionId, UserId } from '#protocol/ids.ts';
import { uint64 } from '#protocol/envelope.ts';
import { joinBytes } from '../bytes.ts';
import { settled, type Settled } from '../credentials.ts';
import type { Access } from './access.ts';
import { erasing, foundOf } from './erased-records.ts';
import type { Operation } from './group-writer.ts';
import type { Why } from '../../ports/retention-store.ts';
import { under } from './table.ts';
import { counted } from './unsettled.ts';

const lastUsed = ({ createdAt, usedAt }: SessionRecord): number => Math.max(createdAt, usedAt ?? 0);

export function sessionOperations({ tables, keys }: Access, session: SessionRecord): readonly Operation[] {
  const key = keys.pseudonym('session', session.sessionId);
  return [
    tables.sessions.put(key, session),
    tables.sessionExpiry.put(joinBytes(uint64(session.expiresAt), key), { sessionId: session.sessionId }),
  ];
}

/** What ends a session, in a step with something else. */
export async function sessionRemoval(access: Access, session: SessionRecord): Promise<readonly Operation[]> {
  const { tables, keys } = access;
  const key = keys.pseudonym('session', session.sessionId);
  const expiry = joinBytes(uint64(session.expiresAt), key);
  return [
    ...erasing(access, tables.sessions.sealed, await foundOf(tables.sessions.sealed, [key])),
    ...erasing(access, tables.sessionExpiry.sealed, await foundOf(tables.sessionExpiry.sealed, [expiry])),
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
      if (await this.#wasRemoved(deviceId)) throw new StoreFailure('the device to bind was removed');
      const key = this.#access.keys.pseudonym('session', sessionId);
      await this.#access.audit.submit([this.#access.tables.sessions.put(key, { ...session, deviceId })], acts);
    });
  }

  end(sessionId: SessionId, acts: Acts): Promise<void> {
    return this.#alone(sessionId, async () => {
      const session = await this.byId(sessionId);
      if (session !== null) await this.#access.audit.submit(await this.#removal(session), acts);
    });
  }

  settle(sessionId: SessionId, now: Settled, acts: Acts | null): Promise<void> {
    return this.#alone(sessionId, async () => {
      const { tables, keys, writer, audit } = this.#access;
      const session = await this.byId(sessionId);
      if (session === null) return;
      const operations = [tables.sessions.put(keys.pseudonym('session', sessionId), settled(session, now))];
      await (acts === null ? writer.submit(operations) : audit.submit(operations, acts));
    });
  }

  used(sessionId: SessionId, at: number): Promise<void> {
    return this.#alone(sessionId, async () => {
      const { tables, keys, writer } = this.#access;
      const session = await this.byId(sessionId);
      if (session === null || (session.usedAt ?? 0) >= at) return;
      await writer.submit([tables.sessions.put(keys.pseudonym('session', sessionId), { ...session, usedAt: at })]);
    });
  }

  async endIdle(why: Why, limit: number): Promise<readonly SessionRecord[]> {
    const idle = (await this.#idle(why.before)).slice(0, limit);
    const one = { ...why, class: 'sessions' as const, conversationId: null, count: 1, bytes: 0 };
    return this.#endAll(
      idle,
      (session) => lastUsed(session) < why.before,
      async () => [await counted(this.#access, one)],
    );
  }

  async countIdle(before: number): Promise<number> {
    return (await this.#idle(before)).length;
  }

  async endEvery(userId: UserId): Promise<readonly SessionRecord[]> {
    return this.#endAll(await this.ofUser(userId), () => true);
  }

  ofUser(userId: UserId): Promise<readonly SessionRecord[]> {
    return this.ofUsers([userId]);
  }

  ofUsers(userIds: readonly UserId[]): Promise<readonly SessionRecord[]> {
    const wanted: ReadonlySet<UserId> = new Set(userIds);
    return this.#among(({ userId }) => wanted.has(userId));
  }

  async endOf(userId: UserId, keep: SessionId | null, acts: Acts): Promise<readonly SessionRecord[]> {
    const ids = (await this.ofUser(userId)).map(({ sessionId }) => sessionId).filter((sessionId) => sessionId !== keep);
    return this.#together(ids.toSorted(), async () => {
      const found = await Promise.all(ids.map((sessionId) => this.byId(sessionId)));
      const there = found.filter((session) => session !== null);
      const removals = await Promise.all(there.map((session) => this.#removal(session)));
      if (there.length > 0) await this.#access.audit.submit(removals.flat(), acts);
      return there;
    });
  }

  /** The sessions of a device, and what ends them in a step with something else. */
  async ofDevice(deviceId: DeviceId): Promise<{ readonly sessions: readonly SessionRecord[]; readonly removal: readonly Operation[] }> {
    const sessions = await this.#among((session) => session.deviceId === deviceId);
    const removals = await Promise.all(sessions.map((session) => this.#removal(session)));
    return { sessions, removal: removals.flat() };
  }

  /** What binds or keeps a session of it meanwhile is waited for; `taken`: those that are gone, and might be written again. */
  async endOfDevice(userId: UserId, deviceId: DeviceId, taken: readonly SessionRecord[]): Promise<readonly SessionRecord[]> {
    const all = new Map([...taken, ...(await this.ofUser(userId))].map((session) => [session.sessionId, session]));
    return this.#endAll([...all.values()], (session) => session.deviceId === deviceId);
  }

  #idle(before: number): Promise<readonly SessionRecord[]> {
    return this.#among((session) => lastUsed(session) < before);
  }

  /** Sessions are few: some for each person. */
  async #among(wanted: (session: SessionRecord) => boolean): Promise<readonly SessionRecord[]> {
    const all = await this.#access.tables.sessions.list(under(new Uint8Array(0)));
    return all.map(({ value }) => value).filter(wanted);
  }

  async #endAll(
    sessions: readonly SessionRecord[],
    still: (session: SessionRecord) => boolean,
    more: () => Promise<readonly Operation[]> = async () => [],
  ): Promise<readonly SessionRecord[]> {
    const ended: SessionRecord[] = [];
    for (const { sessionId } of sessions)
      await this.#alone(sessionId, async () => {
        const session = await this.byId(sessionId);
        if (session === null || !still(session)) return;
        await this.#access.writer.submit([...(await this.#removal(session)), ...(await more())]);
        ended.push(session);
      });
    return ended;
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
          await this.#access.writer.submit(session === null ? [sessionExpiry.del(key)] : await this.#removal(session));
          return session !== null;
        }),
      ),
    );
    return removed.filter(Boolean).length;
  }

  /** [D4] Whose it was stays known. */
  async #wasRemoved(deviceId: DeviceId): Promise<boolean> {
    const { tables, keys } = this.#access;
    const owner = await tables.deviceOwners.get(keys.pseudonym('device', deviceId));
    const devices = owner === null ? null : await tables.devices.get(keys.pseudonym('user', owner.userId));
    return owner !== null && devices?.some((device) => device.deviceId === deviceId) !== true;
  }

  #removal(session: SessionRecord): Promise<readonly Operation[]> {
    return sessionRemoval(this.#access, session);
  }

  /** `sessionIds` in ascending order: whoever else holds several takes them in the same order. */
  #together<T>([first, ...others]: readonly SessionId[], work: () => Promise<T>): Promise<T> {
    return first === undefined ? work() : this.#alone(first, () => this.#together(others, work));
  }

  #alone<T>(sessionId: SessionId, work: () => Promise<T>): Promise<T> {
    return this.#access.mutex.run(`session ${sessionId}`, work);
  }
}
