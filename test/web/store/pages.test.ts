/** Messages in pages against a plain map, through every order of writing, folding, changing, erasing and crashing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idFromBytes, type ConversationId, type DeviceId, type MessageId, type UserId } from '#protocol/ids.ts';
import type { LocalStore } from '../../../web/engine/ports.ts';
import { eraseUpTo, foldSome, putMany } from '../../../web/engine/store/folding.ts';
import { pageEntries, pages } from '../../../web/engine/store/pages.ts';
import { after, messages, type MessageState, padded } from '../../../web/engine/store/records.ts';
import { SealedStore } from '../../../web/engine/store/sealed-store.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';

const bytes = (length: number, fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill);
const id = idFromBytes<ConversationId>(bytes(16, 1));
const other = idFromBytes<ConversationId>(bytes(16, 2));
const user = idFromBytes<UserId>(bytes(16, 3));
const device = idFromBytes<DeviceId>(bytes(16, 4));

function message(sequence: number, text: string): MessageState {
  const idOf = new Uint8Array(16);
  new DataView(idOf.buffer).setUint32(0, sequence);
  return {
    entry: { sequence, id: idFromBytes<MessageId>(idOf), kind: 'message', epoch: 1, user, device, sentAt: 1_000 + sequence, hash: bytes(32, sequence % 256) },
    shown: { type: 'text', text },
  };
}

/** A disk that stops before the batch `left`. */
function crashing(store: LocalStore, left: number): LocalStore {
  let batches = left;
  return {
    get: (key) => store.get(key),
    range: (from, to, options) => store.range(from, to, options),
    batch: (writes) => (batches-- > 0 ? store.batch(writes) : Promise.reject(new Error('crash'))),
    deviceKeys: () => store.deviceKeys(),
    erase: () => store.erase(),
    close: () => store.close(),
  };
}

const all = async (store: SealedStore, limit = 10_000, reverse = false): Promise<readonly (readonly [number, string])[]> =>
  (await store.range(messages, `${id}/`, after(`${id}/`), limit, reverse)).map(({ value }) => [value.entry.sequence, value.shown.type === 'text' ? value.shown.text : '']);
const put = async (store: SealedStore, list: readonly MessageState[]): Promise<void> =>
  store.write(await Promise.all(list.map((one) => store.put(messages, `${id}/${padded(one.entry.sequence)}`, one))));
const inOrder = (model: ReadonlyMap<number, string>): readonly (readonly [number, string])[] => [...model].sort(([a], [b]) => a - b);
const singles = (profile: MemoryProfile): number => [...profile.records.keys()].filter((key) => key.startsWith(messages.prefix)).length;

async function fold(store: SealedStore, head: number): Promise<void> {
  while (await foldSome(store, id, head));
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('live' as const), count: fc.integer({ min: 1, max: 150 }), many: fc.boolean() }),
  fc.record({ kind: fc.constant('older' as const), count: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ kind: fc.constant('change' as const), at: fc.nat(), text: fc.string({ maxLength: 8 }) }),
  fc.record({ kind: fc.constant('fold' as const) }),
  fc.record({ kind: fc.constant('erase' as const), part: fc.integer({ min: 0, max: 40 }) }),
  fc.record({ kind: fc.constant('read' as const), from: fc.nat(), to: fc.nat(), limit: fc.integer({ min: 1, max: 200 }), reverse: fc.boolean() }),
);

describe('messages in pages', () => {
  it('read like a plain map, whatever was written, folded, changed and erased', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const store = await SealedStore.open(openMemoryStore());
        await store.write([await store.put(messages, `${other}/${padded(5)}`, message(5, 'of another conversation'))]);
        const model = new Map<number, string>();
        let [low, head, serial] = [500, 499, 0];
        for (const next of steps) {
          const text = `text ${(serial += 1)}`;
          if (next.kind === 'live') {
            const list = Array.from({ length: next.count }, (_, at) => message(head + 1 + at, text));
            head += next.count;
            if (next.many) await store.write(await putMany(store, id, list, head));
            else await put(store, list);
            for (const one of list) model.set(one.entry.sequence, text);
          } else if (next.kind === 'older') {
            const list = Array.from({ length: Math.min(next.count, low - 1) }, (_, at) => message(low - 1 - at, text)).toReversed();
            low -= list.length;
            await store.write(await putMany(store, id, list, head));
            for (const one of list) model.set(one.entry.sequence, text);
          } else if (next.kind === 'change') {
            const sequences = [...model.keys()];
            const sequence = sequences[next.at % Math.max(1, sequences.length)];
            if (sequence === undefined) continue;
            await put(store, [message(sequence, next.text)]);
            model.set(sequence, next.text);
          } else if (next.kind === 'fold') await fold(store, head);
          else if (next.kind === 'erase') {
            const upTo = low + next.part * 7;
            await eraseUpTo(store, id, upTo);
            for (const sequence of model.keys()) if (sequence <= upTo) model.delete(sequence);
          } else {
            const [from, to] = [low + (next.from % 400), low + (next.to % 400)];
            const expected = inOrder(model).filter(([sequence]) => sequence >= from && sequence < to);
            const wanted = (next.reverse ? expected.toReversed() : expected).slice(0, next.limit);
            const rows = await store.range(messages, `${id}/${padded(from)}`, `${id}/${padded(to)}`, next.limit, next.reverse);
            expect(rows.map(({ name, value }) => [name, value.entry.sequence, value.shown])).toEqual(
              wanted.map(([sequence, said]) => [`${id}/${padded(sequence)}`, sequence, { type: 'text', text: said }]),
            );
          }
        }
        expect(await all(store)).toEqual(inOrder(model));
        expect(await all(store, 70, true)).toEqual(inOrder(model).toReversed().slice(0, 70));
        for (const [sequence, said] of model) expect((await store.get(messages, `${id}/${padded(sequence)}`))?.shown).toEqual({ type: 'text', text: said });
        expect((await store.get(messages, `${other}/${padded(5)}`))?.shown).toEqual({ type: 'text', text: 'of another conversation' });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('takes over a store of single records, and goes on where a crash stopped it', async () => {
    const profile = new MemoryProfile();
    const count = 1_500;
    const store = await SealedStore.open(openMemoryStore(profile));
    await put(store, Array.from({ length: count }, (_, at) => message(at + 1, `old ${at + 1}`)));
    const before = await all(store);
    expect(before.length).toBe(count);
    let crashes = 0;
    for (let done = false; !done; ) {
      const again = await SealedStore.open(crashing(openMemoryStore(profile), 1));
      done = await fold(again, count).then(
        () => true,
        () => ((crashes += 1), false),
      );
      expect(await all(again)).toEqual(before);
    }
    expect(crashes).toBeGreaterThan(1);
    // The block of the newest one stays as it is.
    expect(singles(profile)).toBe(count - Math.floor(count / pageEntries) * pageEntries + 1);
  });

  it('leaves nothing of what was erased or changed in any record, at any moment that a crash could stop at', async () => {
    const profile = new MemoryProfile();
    const store = await SealedStore.open(openMemoryStore(profile));
    await store.write(await putMany(store, id, Array.from({ length: 400 }, (_, at) => message(at + 1, `secret ${at + 1}`)), 400));
    await eraseUpTo(await SealedStore.open(crashing(openMemoryStore(profile), 1)), id, 300).catch(() => undefined);
    const partly = await SealedStore.open(openMemoryStore(profile));
    expect((await all(partly)).length).toBeLessThan(400);
    await eraseUpTo(partly, id, 300);
    await put(partly, [message(310, 'changed')]);
    await fold(partly, 400);
    const texts = new Set<string>();
    for (const key of profile.records.keys()) {
      if (!key.startsWith(pages.prefix)) continue;
      const page = await partly.getAlone(pages, key.slice(pages.prefix.length));
      for (const { shown } of page === null ? [] : messages.paging.unpack(page)) texts.add(shown.type === 'text' ? shown.text : '');
    }
    expect(texts.has('secret 300')).toBe(false);
    expect(texts.has('secret 310')).toBe(false);
    expect(texts.has('changed')).toBe(true);
    expect((await all(partly)).length).toBe(100);
  });
});
