/** The search index against a naive oracle, while the store below it changes in every way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConversationId, type DeviceId, idFromBytes, type MessageId, type UserId } from '#protocol/ids.ts';
import { fold, marksOf, snippetOf, termsOf } from '../../../web/engine/search/folding-text.ts';
import { MessageIndex } from '../../../web/engine/search/message-index.ts';
import type { SearchQuery } from '../../../web/engine/search/query.ts';
import { linksIn } from '../../../web/engine/search/said.ts';
import { eraseUpTo, foldSome } from '../../../web/engine/store/folding.ts';
import { messages, type MessageState, padded } from '../../../web/engine/store/records.ts';
import { SealedStore } from '../../../web/engine/store/sealed-store.ts';
import { openMemoryStore } from '../../../web/platform/node/memory-store.ts';

const bytes = (fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(16).fill(fill);
const rooms = [idFromBytes<ConversationId>(bytes(1)), idFromBytes<ConversationId>(bytes(2))] as const;
const people = [idFromBytes<UserId>(bytes(3)), idFromBytes<UserId>(bytes(4))] as const;
const device = idFromBytes<DeviceId>(bytes(5));
type Room = (typeof rooms)[number];

interface Spoken {
  readonly room: Room;
  readonly sequence: number;
  readonly sentAt: number;
  readonly from: UserId;
  readonly text: string;
}

function message({ sequence, sentAt, from, text }: Spoken): MessageState {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, sequence);
  return { entry: { sequence, id: idFromBytes<MessageId>(id), kind: 'message', epoch: 1, user: from, device, sentAt, hash: new Uint8Array(32) }, shown: { type: 'text', text } };
}

const pieces = ['港口的起重机', '午夜换班', '合同', 'Crane', 'CRANE on pier', 'résumé', 'Ｆｕｌｌ', 'naïve', 'https://wiki.example.org/a', 'see you', '会议改到三点', ' ', '，', 'σς', 'ﬁle'];
const text = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
const word = fc.constantFrom('起重机', '机', '换班', '合', 'crane', 'pier', 'resume', 'full', 'NAIVE', 'wiki', '会议 三点', '"on pier"', 'σσ', 'file', 'nothing of it', '');

/** Letter by letter, by the words of the specification, without any index. */
function naive(all: readonly Spoken[], query: SearchQuery): readonly string[] {
  return all
    .filter((one) => termsOf(query.text).every((term) => fold(one.text).includes(term)))
    .filter((one) => (query.from ?? [one.from]).includes(one.from) && (query.in ?? [one.room]).includes(one.room))
    .filter((one) => (query.has ?? []).every((what) => what === 'link' && one.text.includes('https://wiki')))
    .filter((one) => one.sentAt >= (query.after ?? 0) && one.sentAt < (query.before ?? Infinity))
    .toSorted((a, b) => b.sentAt - a.sentAt || (a.room < b.room ? 1 : a.room > b.room ? -1 : b.sequence - a.sequence))
    .map(({ room, sequence }) => `${room}/${sequence}`);
}

function everything(index: MessageIndex, query: SearchQuery): readonly string[] {
  const found: string[] = [];
  for (let answer = index.search(query), more = true; more; ) {
    found.push(...answer.hits.map(({ conversationId, sequence }) => `${conversationId}/${sequence}`));
    more = answer.next !== null;
    if (answer.next !== null) answer = index.search({ ...query, behind: answer.next });
  }
  return found;
}

const act = fc.oneof(
  fc.record({ kind: fc.constant('say' as const), room: fc.constantFrom(0, 1), count: fc.integer({ min: 1, max: 90 }), text, from: fc.constantFrom(...people) }),
  fc.record({ kind: fc.constant('edit' as const), at: fc.nat(), text }),
  fc.record({ kind: fc.constant('fold' as const), room: fc.constantFrom(0, 1) }),
  fc.record({ kind: fc.constant('erase' as const), room: fc.constantFrom(0, 1), upTo: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ kind: fc.constant('load' as const) }),
);
const query = fc.record(
  { text: word, from: fc.constantFrom([people[0]], [people[1]], [...people]), in: fc.constantFrom([rooms[0]], [rooms[1]]), has: fc.constant(['link' as const]), after: fc.integer({ min: 900, max: 1_200 }), before: fc.integer({ min: 1_000, max: 1_400 }), limit: fc.integer({ min: 1, max: 40 }) },
  { requiredKeys: ['text', 'limit'] },
);

describe('the search index', () => {
  it('finds what a naive search finds, in the same order, whatever happened to the store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), fc.array(query, { minLength: 3, maxLength: 6 }), async (acts, queries) => {
        const store = await SealedStore.open(openMemoryStore());
        const index = new MessageIndex(store);
        const follows: Promise<void>[] = [];
        store.onWritten((keys) => void follows.push(index.follow(keys)));
        const all = new Map<string, Spoken>();
        const heads = [0, 0];
        const write = async (list: readonly Spoken[]): Promise<void> => {
          for (const one of list) all.set(`${one.room}/${one.sequence}`, one);
          await store.write(await Promise.all(list.map((one) => store.put(messages, `${one.room}/${padded(one.sequence)}`, message(one)))));
        };
        for (const next of acts) {
          if (next.kind === 'say') {
            const first = (heads[next.room] ?? 0) + 1;
            heads[next.room] = first + next.count - 1;
            const room = rooms[next.room] ?? rooms[0];
            await write(Array.from({ length: next.count }, (_, at) => ({ room, sequence: first + at, sentAt: 1_000 + Math.floor((first + at) / 3), from: next.from, text: `${next.text} ${first + at}` })));
          } else if (next.kind === 'edit') {
            const one = [...all.values()][next.at % Math.max(1, all.size)];
            if (one !== undefined) await write([{ ...one, text: next.text }]);
          } else if (next.kind === 'load') await index.load();
          else {
            const room = rooms[next.room] ?? rooms[0];
            if (next.kind === 'fold') while (await foldSome(store, room, heads[next.room] ?? 0));
            else {
              await eraseUpTo(store, room, next.upTo);
              for (const [name, one] of all) if (one.room === room && one.sequence <= next.upTo) all.delete(name);
            }
          }
        }
        await index.load();
        await Promise.all(follows);
        for (const asked of queries) expect(everything(index, asked)).toEqual(naive([...all.values()], asked));
        expect(index.search({ text: '', limit: 1 })).toMatchObject({ searched: all.size, whole: true });
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('texts', () => {
  it.each([
    ['crane', 'The CRANE is green', ['CRANE']],
    ['起重机', '港口的起重机已经修好', ['起重机']],
    ['机已', '港口的起重机已经修好', ['机已']],
    ['resume', 'my résumé and Re\u0301sume\u0301', ['résumé', 'Re\u0301sume\u0301']],
    ['full', 'ｆｕｌｌ width', ['ｆｕｌｌ']],
    ['file', 'a ﬁle', ['ﬁle']],
    ['fi', 'a ﬁle', ['ﬁ']],
    ['"on pier"', 'crane on pier, pier on', ['on pier']],
    ['👩‍🚒', 'call 👩‍🚒 now', ['👩‍🚒']],
    ['straße', 'die STRAßE', ['STRAßE']],
  ])('marks %s in "%s"', (asked, said, expected) => {
    expect(marksOf(said, termsOf(asked)).map(({ from, to }) => said.slice(from, to))).toEqual(expected);
  });

  it('mark only what is there, wherever a text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces, '👩‍🚒', 'x'.repeat(90)), { maxLength: 12 }), word, (parts, asked) => {
        const terms = termsOf(asked);
        const snippet = snippetOf(parts.join(''), terms);
        for (const { from, to } of snippet.marks) expect(terms.some((term) => fold(snippet.text.slice(from, to)).includes(term))).toBe(true);
        expect(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(snippet.text)).toBe(false);
      }),
    );
  });

  it('leave the punctuation of the sentence out of a web address', () => {
    expect(linksIn('见 https://a.example/路径，和 (http://b.example/x?y=1).')).toEqual(['https://a.example/路径', 'http://b.example/x?y=1']);
  });
});
