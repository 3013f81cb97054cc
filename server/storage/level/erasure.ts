/** Erasure on disk: raising floors, deleting what lies below, and what opened only that. Proofs are in proof.ts. */
import { uint64 } from '#protocol/envelope.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { archiveBaseEvery } from '#protocol/limits.ts';
import type { ErasedOther, ErasedRange, ErasureProof, ErasureReason, ReceiptId } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import {
  type ErasureStore,
  type LogFloor,
  type Pause,
  purgeDaysMax,
  purgeEntriesMax,
  type PurgePlan,
  type RegisteredFloor,
  type Settled,
  type StoredReceipt,
} from '../../ports/retention-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { joinBytes, readUint64, sameBytes, uint32 } from '../bytes.ts';
import { type Access, aloneKey } from './access.ts';
import type { LevelConversations, Purgeable } from './conversations.ts';
import { erasing, foundIn, foundOf } from './erased-records.ts';
import type { Operation } from './group-writer.ts';
import type { Prover } from './proof.ts';
import { under } from './table.ts';
import { settled } from './unsettled.ts';

/** Records deleted at a time: a batch of this size is synced in about a millisecond. */
const stepRecords = 64;
const archiveStep = 512;
/** p(user) 16 · p(conversation) 16 · epoch 8 */
const archivePlaceAt = 16;
const archiveEpochAt = 32;
/** p(conversation) 16 · sequence 8 · hash 16 · p(device) 16 */
const mailSequenceAt = 16;
const mailDeviceAt = 40;

type Counts = ErasedRange['counts'];
interface Work {
  readonly place: Uint8Array;
  range: ErasedRange;
  /** First epoch that something left is sealed under. */
  readonly epoch: number;
}

export class LevelErasure implements ErasureStore {
  readonly #access: Access;
  readonly #conversations: LevelConversations;
  readonly #prover: Prover;

  constructor(access: Access, conversations: LevelConversations, prover: Prover) {
    this.#access = access;
    this.#conversations = conversations;
    this.#prover = prover;
  }

  async conversations(after: ConversationId | null, limit: number): Promise<readonly ConversationId[]> {
    const { tables, keys } = this.#access;
    const all = under(new Uint8Array(0));
    // The smallest key behind a place is the place and one byte.
    const gte = after === null ? all.gte : joinBytes(keys.pseudonym('conversation', after), Uint8Array.of(0));
    return (await tables.conversations.list({ ...all, gte, limit })).map(({ value }) => value.conversationId);
  }

  async plan(conversationId: ConversationId, beforeDay: number): Promise<PurgePlan | null> {
    const there = await this.#conversations.purgeable(conversationId);
    return there === null ? null : planOf(conversationId, there, (day) => day.day < beforeDay, planBounds);
  }

  async begin(plan: PurgePlan, reason: ErasureReason, purgedAt: number): Promise<LogFloor | null> {
    const { conversationId, throughSequence } = plan;
    const [last] = await this.#conversations.readAfter(conversationId, throughSequence - 1, 1, 1);
    if (last?.sequence !== throughSequence) return null;
    return this.#raise(plan, reason, {
      sequence: throughSequence,
      hash: last.hash,
      sentAt: last.sentAt,
      day: plan.throughDay,
      purgedAt,
    });
  }

  async #raise(plan: PurgePlan, reason: ErasureReason, floor: LogFloor): Promise<LogFloor | null> {
    const { tables, runtime } = this.#access;
    const there = await this.#conversations.purgeable(plan.conversationId);
    if (there === null) return null;
    const gone = there.days.map(({ day }) => day).filter((day) => day >= plan.fromDay && day <= plan.throughDay);
    const dayKeys = await foundOf(
      tables.dataKeys.sealed,
      gone.map((day) => joinBytes(there.place, uint32(day))),
    );
    const earlier = await tables.purges.get(there.place);
    const range = joined(earlier, { ...plan, reason, counts: { ...nothing, dataKeys: dayKeys.length } });
    return this.#conversations.raiseFloor(plan.conversationId, floor, gone, () => [
      tables.purges.put(there.place, range),
      tables.shredding.put(aloneKey, { since: runtime.now() }),
      ...erasing(this.#access, tables.dataKeys.sealed, dayKeys),
    ]);
  }

  async unsettled(): Promise<readonly ErasedOther[]> {
    return (await this.#access.tables.unsettled.list(under(new Uint8Array(0)))).map(({ value }) => value);
  }

  async begun(): Promise<boolean> {
    const { gte, lte } = under(new Uint8Array(0));
    return (await this.#access.tables.purges.keys({ gte, lte, limit: 1 })).length > 0;
  }

  async finish(pause: Pause): Promise<readonly ErasedRange[]> {
    const works: Work[] = [];
    for (const { key, value } of await this.#access.tables.purges.list(under(new Uint8Array(0)))) {
      works.push({ place: key, range: value, epoch: await this.#firstEpoch(value) });
    }
    for (const work of works) {
      await this.#eraseLog(work, pause);
      await this.#eraseMail(work, pause);
    }
    if (works.length > 0) await this.#eraseArchives(works, pause);
    return works.map(({ range }) => range);
  }

  prove(pause: Pause): Promise<ErasureProof | null> {
    return this.#prover.prove(pause);
  }

  async requestShredding(): Promise<void> {
    const { tables, writer, runtime } = this.#access;
    await writer.submit([tables.shredding.put(aloneKey, { since: runtime.now() })]);
  }

  async settle(receipt: StoredReceipt, { conversations, people, others }: Settled, acts: Acts): Promise<void> {
    const { tables, keys, audit } = this.#access;
    const name = keys.pseudonym('receipt', receipt.receiptId);
    const operations = [
      tables.receipts.put(joinBytes(uint64(receipt.at), name), receipt),
      tables.receiptTimes.put(name, { at: receipt.at }),
      ...conversations.map((conversationId) => tables.purges.del(keys.pseudonym('conversation', conversationId))),
      ...(await this.#settledPeople(people)),
      ...settled(this.#access, others),
    ];
    await audit.submit(operations, acts);
  }

  async #settledPeople(people: readonly UserId[]): Promise<readonly Operation[]> {
    const { tables, keys } = this.#access;
    const places = people.map((userId) => keys.pseudonym('user', userId));
    const gone = await tables.gone.getMany(places);
    return places.flatMap((place, at) => {
      const person = gone[at] ?? null;
      if (person === null) return [];
      const state = person.state === 'closing' ? 'closed' : 'erased';
      return [tables.gone.put(place, { ...person, state, records: 0, bytes: 0 })];
    });
  }

  async receipts(before: StoredReceipt | null, limit: number): Promise<readonly StoredReceipt[]> {
    const { tables, keys } = this.#access;
    const { gte, lte } = under(new Uint8Array(0));
    const end = before === null ? lte : joinBytes(uint64(before.at), keys.pseudonym('receipt', before.receiptId));
    const found = await tables.receipts.list({ gte, lte: end, reverse: true, limit: limit + 1 });
    const behind = found.filter(({ key }) => before === null || !sameBytes(key, end));
    return behind.slice(0, limit).map(({ value }) => value);
  }

  async receipt(receiptId: ReceiptId): Promise<StoredReceipt | null> {
    const { tables, keys } = this.#access;
    const name = keys.pseudonym('receipt', receiptId);
    const time = await tables.receiptTimes.get(name);
    return time === null ? null : tables.receipts.get(joinBytes(uint64(time.at), name));
  }

  async floors(): Promise<readonly RegisteredFloor[]> {
    const { tables } = this.#access;
    const stored = await tables.floors.list(under(new Uint8Array(0)));
    const conversations = await tables.conversations.getMany(stored.map(({ key }) => key));
    return stored.flatMap(({ value: floor }, at) => {
      const conversation = conversations[at] ?? null;
      if (conversation === null) throw new CorruptionError('floors', 'a floor has no conversation');
      return [{ conversationId: conversation.conversationId, generation: conversation.generation, floor }];
    });
  }

  async reapply(registered: readonly RegisteredFloor[]): Promise<readonly RegisteredFloor[]> {
    const raised: RegisteredFloor[] = [];
    for (const each of registered) {
      const { conversationId, generation, floor } = each;
      const there = await this.#conversations.purgeable(conversationId);
      if (there === null || there.record.generation !== generation) continue;
      if ((there.record.floor?.sequence ?? 0) >= floor.sequence) continue;
      const ends = new Map(there.days.map(({ day }, at) => [day, (there.days[at + 1]?.first ?? there.head + 1) - 1]));
      const goes = ({ day }: Purgeable['days'][number]): boolean => (ends.get(day) ?? Infinity) <= floor.sequence;
      const whole = planOf(conversationId, there, goes, unbounded);
      const nothingThere = { conversationId, fromSequence: there.head + 1, fromDay: 0, throughDay: 0 };
      // The copy may end before the floor: the receipt explains the floor.
      const plan = { ...(whole ?? nothingThere), throughSequence: floor.sequence };
      if ((await this.#raise(plan, { kind: 'restore' }, floor)) !== null) raised.push(each);
    }
    return raised;
  }

  async #firstEpoch({ conversationId, throughSequence }: ErasedRange): Promise<number> {
    const [first] = await this.#conversations.readAfter(conversationId, throughSequence, 1, 1);
    if (first !== undefined) return first.epoch;
    return (await this.#conversations.purgeable(conversationId))?.record.roster.epoch ?? 0;
  }

  async #eraseLog(work: Work, pause: Pause): Promise<void> {
    const { tables } = this.#access;
    const { fromDay, throughDay, throughSequence } = work.range;
    const gte = joinBytes(work.place, uint32(fromDay));
    const lte = joinBytes(work.place, uint32(throughDay), uint64(throughSequence));
    for (;;) {
      const found = await foundIn(tables.log, { gte, lte }, stepRecords);
      if (found.length === 0) return;
      const bytes = found.reduce((sum, { value }) => sum + value.length, 0);
      await this.#step(work, { entries: found.length, bytes }, erasing(this.#access, tables.log, found));
      await pause();
    }
  }

  /** Welcomes into epochs of which nothing is left; whoever they waited for joins as a new device does. */
  async #eraseMail(work: Work, pause: Pause): Promise<void> {
    const { tables, mutex } = this.#access;
    const waiting = await tables.mailWaiting.keys(under(work.place));
    for (const key of waiting) {
      if ((readUint64(key, mailSequenceAt) ?? Infinity) > work.range.throughSequence) continue;
      await mutex.run('mail', async () => {
        const blob = key.subarray(0, mailDeviceAt);
        const mail = await tables.mail.list(under(key.subarray(mailDeviceAt)));
        const letter = mail.find(({ value }) => sameBytes(value.blob, blob));
        if (letter === undefined || letter.value.epoch >= work.epoch) return;
        await this.#step(work, { welcomes: 1 }, [
          ...erasing(this.#access, tables.mail.sealed, await foundOf(tables.mail.sealed, [letter.key])),
          ...erasing(this.#access, tables.mailBytes.sealed, await foundOf(tables.mailBytes.sealed, [blob])),
          tables.mailWaiting.del(key),
        ]);
      });
      await pause();
    }
  }

  /** One pass over the keys of all archives: they are ordered by person. */
  async #eraseArchives(works: readonly Work[], pause: Pause): Promise<void> {
    const { tables } = this.#access;
    const byPlace = new Map(works.map((work) => [Buffer.from(work.place).toString('hex'), work]));
    const all = under(new Uint8Array(0));
    for (let { gte } = all, more = true; more;) {
      const keys = await tables.archive.keys({ gte, lte: all.lte, limit: archiveStep });
      for (const [work, doomed] of this.#doomedArchives(keys, byPlace)) {
        const found = await foundOf(tables.archive.sealed, doomed);
        if (found.length === 0) continue;
        await this.#step(work, { archiveItems: found.length }, erasing(this.#access, tables.archive.sealed, found));
      }
      await pause();
      more = keys.length === archiveStep;
      gte = joinBytes(keys.at(-1) ?? gte, Uint8Array.of(0));
    }
  }

  #doomedArchives(
    keys: readonly Uint8Array[],
    byPlace: ReadonlyMap<string, Work>,
  ): ReadonlyMap<Work, readonly Uint8Array[]> {
    const doomed = new Map<Work, Uint8Array[]>();
    for (const key of keys) {
      const work = byPlace.get(Buffer.from(key.subarray(archivePlaceAt, archiveEpochAt)).toString('hex'));
      const epoch = readUint64(key, archiveEpochAt);
      // The items of an epoch are read from the last whole roster on, so that one and what follows it stay.
      if (work === undefined || epoch === null || epoch >= work.epoch - (work.epoch % archiveBaseEvery)) continue;
      doomed.set(work, [...(doomed.get(work) ?? []), key]);
    }
    return doomed;
  }

  async #step(work: Work, more: Partial<Counts>, operations: ReturnType<typeof erasing>): Promise<void> {
    const { tables, writer } = this.#access;
    work.range = { ...work.range, counts: summed(work.range.counts, { ...nothing, ...more }) };
    await writer.submit([...operations, tables.purges.put(work.place, work.range)]);
  }
}

const planBounds = { daysMax: purgeDaysMax, entriesMax: purgeEntriesMax };
/** What was purged before is purged again whole. */
const unbounded = { daysMax: Infinity, entriesMax: Infinity };

const nothing: Counts = { entries: 0, bytes: 0, dataKeys: 0, welcomes: 0, archiveItems: 0 };

const summed = (one: Counts, other: Counts): Counts => ({
  entries: one.entries + other.entries,
  bytes: one.bytes + other.bytes,
  dataKeys: one.dataKeys + other.dataKeys,
  welcomes: one.welcomes + other.welcomes,
  archiveItems: one.archiveItems + other.archiveItems,
});

/** A purge of the same conversation that has no receipt yet goes into one with the next. */
function joined(earlier: ErasedRange | null, next: ErasedRange): ErasedRange {
  if (earlier === null) return next;
  return {
    ...next,
    fromSequence: Math.min(earlier.fromSequence, next.fromSequence),
    fromDay: Math.min(earlier.fromDay, next.fromDay),
    throughDay: Math.max(earlier.throughDay, next.throughDay),
    counts: summed(earlier.counts, next.counts),
  };
}

function planOf(
  conversationId: ConversationId,
  { days, head }: Purgeable,
  goes: (day: Purgeable['days'][number]) => boolean,
  bounds: { readonly daysMax: number; readonly entriesMax: number },
): PurgePlan | null {
  const [first] = days;
  const going = days.findIndex((day) => !goes(day));
  let count = Math.min(going === -1 ? days.length : going, bounds.daysMax);
  // At least one day, however long.
  while (count > 1 && (days[count]?.first ?? head + 1) - (first?.first ?? 0) > bounds.entriesMax) count -= 1;
  const last = days[count - 1];
  if (count === 0 || first === undefined || last === undefined) return null;
  const throughSequence = (days[count]?.first ?? head + 1) - 1;
  return { conversationId, fromSequence: first.first, throughSequence, fromDay: first.day, throughDay: last.day };
}
