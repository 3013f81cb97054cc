import type { Entry } from '#protocol/envelope.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { CorruptionError, StoreFailure } from '../../ports/store.ts';
import type { ConversationRecord, ConversationStore, Membership, Roster, RosterChange } from '../../ports/store.ts';
import type { LogFloor } from '../../ports/retention-store.ts';
import { joinBytes, uint32 } from '../bytes.ts';
import { checkFollows, Page, presenceChange, present, withEntries } from '../log-page.ts';
import type { Access } from './access.ts';
import type { GroupWriter, Operation } from './group-writer.ts';
import { type DayMark, Log, type LogEnd } from './log.ts';
import { Lru } from './lru.ts';
import { mailOperations } from './mailbox.ts';
import { RecentPages } from './recent-pages.ts';
import { under } from './table.ts';

const conversationsCached = 512;

interface Loaded {
  /** Of the database that it was read from: another one may know otherwise. */
  readonly writer: GroupWriter;
  readonly place: Uint8Array;
  /** With everything that was accepted, synced or not. */
  accepted: ConversationRecord;
  end: LogEnd;
  /** What is on disk. */
  durable: ConversationRecord;
  /** Settles when everything accepted so far is on disk, or failed. */
  pending: Promise<void>;
  /** Calls that rely on this state; it stays in the cache while there are any. */
  uses: number;
}

export interface Purgeable {
  readonly place: Uint8Array;
  readonly days: readonly DayMark[];
  readonly head: number;
  readonly record: ConversationRecord;
}

const isUsed = (loaded: Loaded): boolean => loaded.uses > 0;

export class LevelConversations implements ConversationStore {
  readonly #access: Access;
  readonly #log: Log;
  #loaded = new Lru<ConversationId, Loaded>(conversationsCached, isUsed);
  #recent = new RecentPages();
  readonly #loading = new Map<ConversationId, Promise<Loaded | null>>();

  constructor(access: Access) {
    this.#access = access;
    this.#log = new Log(access);
    access.onReopened(() => {
      this.#loaded = new Lru(conversationsCached, isUsed);
      this.#loading.clear();
      this.#recent = new RecentPages();
    });
  }

  create(record: ConversationRecord, entries: readonly Entry[], change: RosterChange): Promise<'created' | 'exists'> {
    const { tables, mutex, writer } = this.#access;
    return mutex.run(`conversation ${record.conversationId}`, async () => {
      const place = this.#place(record.conversationId);
      if (await tables.conversations.has(place)) return 'exists';
      checkFollows({ sequence: 0, sentAt: 0 }, 0, entries);
      const { operations } = this.#log.append(place, { days: [], dataKey: null, dayMin: 0 }, entries);
      const whole = withEntries({ ...record, headSequence: 0, metaSequence: 0, floor: null }, entries, change.roster);
      await writer.submit([
        ...operations,
        ...this.#markMeta(place, entries),
        ...this.#changeRoster(place, null, whole, change),
      ]);
      return 'created';
    });
  }

  async load(conversationId: ConversationId): Promise<ConversationRecord | null> {
    const loaded = await this.#use(conversationId);
    if (loaded === null) return null;
    // Not the state of the moment before: the caller may know of appends that are under way.
    await loaded.pending;
    return loaded.durable;
  }

  async append(
    conversationId: ConversationId,
    expectedSequence: number,
    entries: readonly Entry[],
    change: RosterChange | null,
  ): Promise<void> {
    const loaded = this.#ready(conversationId) ?? (await this.#use(conversationId));
    if (loaded === null) throw new StoreFailure('the conversation is not stored');
    await this.#accept(loaded, expectedSequence, entries, change);
  }

  groupInfo(conversationId: ConversationId): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#access.tables.groupInfos.get(this.#place(conversationId));
  }

  async readAfter(
    conversationId: ConversationId,
    after: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]> {
    const loaded = await this.#use(conversationId);
    if (loaded === null || after >= loaded.durable.headSequence) return [];
    const floor = (): number => loaded.accepted.floor?.sequence ?? 0;
    const from = Math.max(after, floor());
    const span = { after: from, head: loaded.durable.headSequence };
    const recent = this.#recent.read(conversationId, from, span.head, new Page(limitEntries, limitBytes));
    if (recent !== null) return recent;
    const found = await this.#log.readAfter(loaded.place, loaded.end.days, span, new Page(limitEntries, limitBytes), floor);
    // Not what was purged while it was read, nor of a database that was.
    if (floor() <= from && loaded.writer === this.#access.writer) this.#recent.learn(conversationId, found);
    return found;
  }

  async readBefore(
    conversationId: ConversationId,
    before: number,
    limitEntries: number,
    limitBytes: number,
  ): Promise<readonly Entry[]> {
    const loaded = await this.#use(conversationId);
    if (loaded === null || before <= 1) return [];
    const end = Math.min(before, loaded.durable.headSequence + 1);
    const floor = (): number => loaded.accepted.floor?.sequence ?? 0;
    if (end <= floor() + 1) return [];
    return this.#log.readBefore(loaded.place, loaded.end.days, end, new Page(limitEntries, limitBytes), floor);
  }

  async memberships(userId: UserId): Promise<readonly Membership[]> {
    const { tables, keys } = this.#access;
    const range = under(keys.pseudonym('user', userId));
    const found = await tables.memberships.list(range);
    const marks = await tables.readMarks.getMany(found.map(({ key }) => key));
    return found.map(({ value }, at) => {
      const mark = marks[at];
      const counts = mark !== null && mark !== undefined && mark.joinedSequence === value.joinedSequence;
      return { conversationId: value.conversationId, readSequence: counts ? mark.sequence : 0 };
    });
  }

  markRead(userId: UserId, conversationId: ConversationId, sequence: number): Promise<number | null> {
    const { tables, keys, mutex, writer } = this.#access;
    return mutex.run(`read ${userId} ${conversationId}`, async () => {
      const loaded = await this.#use(conversationId);
      if (loaded === null) return null;
      loaded.uses += 1;
      try {
        const key = joinBytes(keys.pseudonym('user', userId), loaded.place);
        const stored = await tables.readMarks.get(key);
        // The members as they are now, in the same turn as the write is submitted.
        const member = present(loaded.accepted.roster).get(userId);
        if (member === undefined) return null;
        const { joinedSequence } = member;
        const mark = stored?.joinedSequence === joinedSequence ? stored.sequence : 0;
        if (sequence <= mark) return mark;
        await writer.submit([tables.readMarks.put(key, { joinedSequence, sequence })]);
        return sequence;
      } finally {
        loaded.uses -= 1;
      }
    });
  }

  /** The days of a log that are there to be purged, with its end. Null when it is not stored. */
  async purgeable(conversationId: ConversationId): Promise<Purgeable | null> {
    const loaded = await this.#use(conversationId);
    if (loaded === null) return null;
    await loaded.pending;
    const { place, end, durable } = loaded;
    return { place, days: end.days, head: durable.headSequence, record: durable };
  }

  /**
   * Raises the floor and takes the marks and keys of purged days away, with `more` in the same transaction. Checked and
   * submitted in one turn: null when entries came behind what was planned, in a day that would go.
   */
  async raiseFloor(
    conversationId: ConversationId,
    floor: LogFloor,
    gone: readonly number[],
    more: (record: ConversationRecord) => readonly Operation[],
  ): Promise<LogFloor | null> {
    const loaded = await this.#use(conversationId);
    if (loaded === null) return null;
    const { tables } = this.#access;
    const { place, writer } = loaded;
    const days = loaded.end.days.filter(({ day }) => !gone.includes(day));
    const begins = days[0]?.first ?? loaded.accepted.headSequence + 1;
    if (begins > floor.sequence + 1) return null;
    const forgotten = loaded.end.days.filter(({ day }) => gone.includes(day));
    const raise = (record: ConversationRecord): ConversationRecord => ({
      ...record,
      ...(record.headSequence < floor.sequence
        ? { headSequence: floor.sequence, headHash: floor.hash, headSentAt: floor.sentAt }
        : {}),
      metaSequence: record.metaSequence > floor.sequence ? record.metaSequence : 0,
      floor,
    });
    const dayKeys = forgotten.map(({ day }) => joinBytes(place, uint32(day)));
    const written = writer.submit([
      tables.floors.put(place, floor),
      ...(loaded.accepted.metaSequence > floor.sequence ? [] : [tables.metaMarks.del(place)]),
      ...dayKeys.flatMap((dayKey) => [tables.days.del(dayKey), tables.dataKeys.remove(dayKey)]),
      ...more(loaded.accepted),
    ]);
    loaded.accepted = raise(loaded.accepted);
    const keeps = loaded.end.dataKey !== null && !gone.includes(loaded.end.dataKey.day);
    loaded.end = { days, dataKey: keeps ? loaded.end.dataKey : null, dayMin: floor.day + 1 };
    this.#log.forget(place, gone);
    this.#recent.forget(conversationId);
    loaded.uses += 1;
    const settled = Promise.all([loaded.pending, written])
      .then(() => void (loaded.durable = raise(loaded.durable)))
      .finally(() => void (loaded.uses -= 1));
    loaded.pending = settled.catch(() => undefined);
    await settled;
    return floor;
  }

  #place(conversationId: ConversationId): Uint8Array {
    return this.#access.keys.pseudonym('conversation', conversationId);
  }

  /** Cached and with nobody waiting for it in line before. */
  #ready(conversationId: ConversationId): Loaded | null {
    return this.#loading.has(conversationId) ? null : (this.#loaded.get(conversationId) ?? null);
  }

  #use(conversationId: ConversationId): Promise<Loaded | null> {
    const underWay = this.#loading.get(conversationId);
    if (underWay !== undefined) return underWay;
    const cached = this.#loaded.get(conversationId);
    if (cached !== undefined) return Promise.resolve(cached);
    const loading = this.#read(conversationId).finally(() => {
      if (this.#loading.get(conversationId) === loading) this.#loading.delete(conversationId);
    });
    this.#loading.set(conversationId, loading);
    return loading;
  }

  async #read(conversationId: ConversationId): Promise<Loaded | null> {
    const { tables, writer } = this.#access;
    const place = this.#place(conversationId);
    const stored = await tables.conversations.get(place);
    if (stored === null) return null;
    const floor = await tables.floors.get(place);
    const { last, ...end } = await this.#log.end(place, floor === null ? 0 : floor.day + 1);
    const [begins] = end.days;
    if (begins !== undefined && begins.first > (floor?.sequence ?? 0) + 1)
      throw new CorruptionError(floor === null ? 'floors' : 'days', 'a log begins behind where it should');
    // Purged to its very end, a log goes on behind its floor.
    const tip = last ?? floor;
    if (stored.headSequence > (tip?.sequence ?? 0))
      throw new CorruptionError('log', 'the log ends before the latest change of the roster');
    const meta = await tables.metaMarks.get(place);
    const record: ConversationRecord = {
      ...stored,
      ...(tip === null ? {} : { headSequence: tip.sequence, headHash: tip.hash, headSentAt: tip.sentAt }),
      metaSequence: meta?.sequence ?? 0,
      floor,
    };
    const loaded: Loaded = {
      writer,
      place,
      accepted: record,
      durable: record,
      end,
      pending: Promise.resolve(),
      uses: 0,
    };
    if (writer === this.#access.writer) this.#loaded.set(conversationId, loaded);
    return loaded;
  }

  /** Check, seal and submit in one turn, so that the order of calls is the order of the log. */
  #accept(
    loaded: Loaded,
    expectedSequence: number,
    entries: readonly Entry[],
    change: RosterChange | null,
  ): Promise<void> {
    const { accepted, place } = loaded;
    checkFollows({ sequence: accepted.headSequence, sentAt: accepted.headSentAt }, expectedSequence, entries);
    const { operations, end } = this.#log.append(place, loaded.end, entries);
    const next = withEntries(accepted, entries, change?.roster ?? accepted.roster);
    const roster = change === null ? [] : this.#changeRoster(place, accepted.roster, next, change);
    const written = loaded.writer.submit([...operations, ...this.#markMeta(place, entries), ...roster]);
    loaded.accepted = next;
    loaded.end = end;
    loaded.uses += 1;
    const settled = written.then(() => void (loaded.durable = next)).finally(() => void (loaded.uses -= 1));
    loaded.pending = settled.catch(() => undefined);
    return settled;
  }

  #markMeta(place: Uint8Array, entries: readonly Entry[]): readonly Operation[] {
    const meta = entries.findLast((entry) => entry.kind === 'meta');
    return meta === undefined ? [] : [this.#access.tables.metaMarks.put(place, { sequence: meta.sequence })];
  }

  #changeRoster(
    place: Uint8Array,
    before: Roster | null,
    after: ConversationRecord,
    change: RosterChange,
  ): readonly Operation[] {
    const { tables, keys } = this.#access;
    const { metaSequence: _, floor: __, ...stored } = after;
    const { came, went } = presenceChange(before, after.roster);
    const keyOf = (userId: UserId): Uint8Array => joinBytes(keys.pseudonym('user', userId), place);
    return [
      tables.conversations.put(place, stored),
      ...(change.groupInfo === null ? [] : [tables.groupInfos.put(place, change.groupInfo)]),
      ...came.map(({ userId, joinedSequence }) =>
        tables.memberships.put(keyOf(userId), { conversationId: after.conversationId, joinedSequence }),
      ),
      ...went.flatMap(({ userId }) => [tables.memberships.del(keyOf(userId)), tables.readMarks.del(keyOf(userId))]),
      ...mailOperations(this.#access, change.welcomes),
    ];
  }
}
