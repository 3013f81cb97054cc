/**
 * Writing pages (pages.ts). Every step is one batch, whole or absent, in which a page comes and the single records that
 * are in it go: whatever a crash interrupts is read as before and folded by the next look. All of it only while nobody
 * else changes the conversation's messages (`exclusively`).
 */
import type { ConversationId } from '#protocol/ids.ts';
import type { StoreWrite } from '../ports.ts';
import { blockOf, nameIn, pageBytesMax, pageEntries, pages } from './pages.ts';
import { messageIds, messages, type MessageState } from './records.ts';
import type { Row, SealedStore } from './sealed-store.ts';

/** Single records that are looked at in one step. */
const stepRecords = 512;
const sequenceOf = ({ entry }: MessageState): number => entry.sequence;

/** Writes that put these messages, all of one block, into its page and take their single records away; as they are where a page would be too large. */
async function intoPage(store: SealedStore, id: ConversationId, block: number, changed: readonly MessageState[]): Promise<StoreWrite[]> {
  const name = nameIn(id, block);
  const page = await store.getAlone(pages, name);
  const own = await store.rangeAlone(messages, nameIn(id, block * pageEntries), nameIn(id, (block + 1) * pageEntries), pageEntries);
  const merged = new Map((page === null ? [] : messages.paging.unpack(page)).map((message) => [sequenceOf(message), message]));
  for (const { value } of own) merged.set(sequenceOf(value), value);
  for (const message of changed) merged.set(sequenceOf(message), message);
  const packed = messages.paging.pack([...merged.values()].toSorted((a, b) => sequenceOf(a) - sequenceOf(b)));
  if (packed.entries.length > pageBytesMax || packed.shown.length > pageBytesMax) {
    return Promise.all(changed.map((message) => store.put(messages, nameIn(id, sequenceOf(message)), message)));
  }
  return [await store.put(pages, name, packed), ...own.map(({ name: single }) => store.remove(messages, single))];
}

function byBlock(list: readonly MessageState[]): ReadonlyMap<number, readonly MessageState[]> {
  const blocks = new Map<number, MessageState[]>();
  for (const message of list) {
    const block = blockOf(sequenceOf(message));
    const known = blocks.get(block);
    if (known === undefined) blocks.set(block, [message]);
    else known.push(message);
  }
  return blocks;
}

/** Writes for many messages at once: those of blocks that `head` has left go straight into pages. */
export async function putMany(store: SealedStore, id: ConversationId, list: readonly MessageState[], head: number): Promise<StoreWrite[]> {
  const writes: StoreWrite[] = [];
  for (const [block, some] of byBlock(list)) {
    if (block < blockOf(head)) writes.push(...(await intoPage(store, id, block, some)));
    else writes.push(...(await Promise.all(some.map((message) => store.put(messages, nameIn(id, sequenceOf(message)), message)))));
  }
  return writes;
}

/** One step: single records of blocks that `head` has left go into pages. False when there are none left to fold. */
export async function foldSome(store: SealedStore, id: ConversationId, head: number): Promise<boolean> {
  const to = nameIn(id, blockOf(head) * pageEntries);
  const rows = await store.rangeAlone(messages, `${id}/`, to, stepRecords);
  const writes: StoreWrite[] = [];
  for (const [block, some] of byBlock(rows.map(({ value }) => value))) writes.push(...(await intoPage(store, id, block, some)));
  const folds = writes.some((write) => 'delete' in write);
  if (folds) await store.write(writes);
  return folds && rows.length === stepRecords;
}

/** Erases everything up to a sequence, ids included, in steps. */
export async function eraseUpTo(store: SealedStore, id: ConversationId, sequence: number): Promise<void> {
  const to = nameIn(id, sequence + 1);
  for (let rows = await part(store, id, to); rows.length > 0; rows = await part(store, id, to)) {
    const writes: StoreWrite[] = rows.flatMap(({ name, value }) => [store.remove(messages, name), store.remove(messageIds, `${id}/${value.entry.id}`)]);
    for (const block of new Set(rows.map(({ value }) => blockOf(sequenceOf(value))))) writes.push(...(await withoutThose(store, id, block, rows)));
    await store.write(writes);
  }
}

const part = (store: SealedStore, id: ConversationId, to: string): Promise<readonly Row<MessageState>[]> => store.range(messages, `${id}/`, to, 200);

async function withoutThose(store: SealedStore, id: ConversationId, block: number, gone: readonly Row<MessageState>[]): Promise<StoreWrite[]> {
  const name = nameIn(id, block);
  const page = await store.getAlone(pages, name);
  if (page === null) return [];
  const numbers = new Set(gone.map(({ value }) => sequenceOf(value)));
  const left = messages.paging.unpack(page).filter((message) => !numbers.has(sequenceOf(message)));
  return [left.length === 0 ? store.remove(pages, name) : await store.put(pages, name, messages.paging.pack(left))];
}
