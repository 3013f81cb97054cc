/** Whether receipts and the register of purges explain where logs begin and who is gone ([R5], [R6]). */
import nacl from 'tweetnacl';
import * as v from 'valibot';
import type { ConversationId } from '#protocol/ids.ts';
import { Receipt, receiptPrefix } from '#protocol/retention.ts';
import type { PurgeRegister, Registered } from '../../ports/retention-store.ts';
import { CorruptionError } from '../../ports/store.ts';
import { aloneKey } from './access.ts';
import { under } from './table.ts';
import type { Tables } from './tables.ts';

type Note = (family: string, what: string) => void;

/** By p(conversation) in hex: the lowest and the highest sequence number that the log has. */
export type LogEnds = ReadonlyMap<string, { readonly first: number; readonly last: number }>;

interface Begun {
  readonly conversationId: ConversationId;
  readonly generation: string;
  /** 0: nothing was purged. */
  readonly floor: number;
  /** No receipt yet: some entries below the floor may still be there. */
  readonly pending: boolean;
}

const all = under(new Uint8Array(0));
const text = new TextEncoder();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Resolves to how many purges the register knows that this store does not: the next start does them again. */
export async function checkPurges(tables: Tables, register: PurgeRegister, ends: LogEnds, note: Note): Promise<number> {
  const told = await toldByReceipts(tables, note);
  const registered = await readRegister(register, note);
  const begun: Begun[] = [];
  for (const { key, value } of await tables.conversations.list(all)) {
    const floor = (await tables.floors.get(key))?.sequence ?? 0;
    const pending = await tables.purges.has(key);
    const log = { conversationId: value.conversationId, generation: value.generation, floor, pending };
    begun.push(log);
    checkBeginning(
      log,
      { end: ends.get(hex(key)), head: value.headSequence, told: told.get(value.conversationId) ?? 0 },
      note,
    );
  }
  if (registered === null) return 0;
  return checkFloors(begun, registered, note) + (await checkPeople(tables, registered, note));
}

/** How far receipts say that each log was purged. */
async function toldByReceipts(tables: Tables, note: Note): Promise<ReadonlyMap<ConversationId, number>> {
  const told = new Map<ConversationId, number>();
  const seed = (await tables.auditSigning.get(aloneKey))?.seed;
  const key = seed === undefined ? null : nacl.sign.keyPair.fromSeed(seed).publicKey;
  for (const { value } of await tables.receipts.list(all)) {
    const signed = text.encode(receiptPrefix + value.statement);
    const receipt = v.safeParse(Receipt, parsed(value.statement));
    if (key === null || !receipt.success || !nacl.sign.detached.verify(signed, value.signature, key)) {
      note('receipts', 'a receipt of an erasure is not as this server signs one');
      continue;
    }
    for (const { conversationId, throughSequence } of receipt.output.ranges)
      told.set(conversationId, Math.max(throughSequence, told.get(conversationId) ?? 0));
  }
  return told;
}

function parsed(statement: string): unknown {
  try {
    return JSON.parse(statement);
  } catch {
    return null;
  }
}

async function readRegister(register: PurgeRegister, note: Note): Promise<readonly Registered[] | null> {
  try {
    return await register.read();
  } catch (cause) {
    if (!(cause instanceof CorruptionError)) throw cause;
    note(cause.family, cause.message);
    return null;
  }
}

interface Seen {
  readonly end: { readonly first: number; readonly last: number } | undefined;
  /** At least. */
  readonly head: number;
  readonly told: number;
}

function checkBeginning({ floor, pending }: Begun, { end, head, told }: Seen, note: Note): void {
  if (floor > told && !pending)
    note('floors', `a log begins behind ${floor}, and no receipt of an erasure tells why (receipts reach to ${told})`);
  if (end === undefined) {
    if (head > floor) note('log', `a log that has ${head} entries begins behind ${floor}, and none of them is there`);
    return;
  }
  if (end.first > floor + 1)
    note('log', `a log begins with ${end.first}, and only what is before ${floor + 1} was purged`);
  if (end.first <= floor && !pending)
    note('log', `entries from ${end.first} on are there, although a purge to ${floor} has its receipt`);
  if (end.last < head) note('log', `a log ends with ${end.last}, and it had ${head} entries`);
}

const unknown =
  'the register of purges does not know what this store does: a start mends it; until then an older copy could bring it back';

function checkFloors(begun: readonly Begun[], registered: readonly Registered[], note: Note): number {
  const floors = new Map(
    registered.flatMap((thing) => (thing.kind === 'floor' ? [[thing.conversationId, thing]] : [])),
  );
  let again = 0;
  for (const { conversationId, generation, floor, pending } of begun) {
    const thing = floors.get(conversationId);
    const known = thing?.generation === generation ? thing.floor.sequence : 0;
    if (known > floor) again += 1;
    if (known < floor && !pending) note('purged', unknown);
  }
  return again;
}

async function checkPeople(tables: Tables, registered: readonly Registered[], note: Note): Promise<number> {
  const gone = (await tables.gone.list(all)).map(({ value }) => value);
  const known = new Set(registered.flatMap((thing) => (thing.kind === 'person' ? [thing.userId] : [])));
  for (const { userId, state } of gone)
    if (!known.has(userId) && (state === 'closed' || state === 'erased')) note('purged', unknown);
  const here = new Set(gone.map(({ userId }) => userId));
  return [...known].filter((userId) => !here.has(userId)).length;
}
