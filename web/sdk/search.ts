/** Search over what this device has, by handles and plain values. */
import type { ConversationId } from '#protocol/ids.ts';
import { LanyingError } from '../engine/api.ts';
import type { SearchQuery } from '../engine/search/query.ts';
import { messageOf } from './conversation.ts';
import type { HeadlessEngine } from './engine.ts';
import type { People } from './people.ts';
import type { Conversation, Found, SearchOptions } from './types.ts';

const limitDefault = 50;
const limitMax = 500;

const list = <T>(value: T | readonly T[] | undefined): readonly T[] => (value === undefined ? [] : isList(value) ? value : [value]);
const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value);

function time(value: number | Date | undefined, field: string): number | undefined {
  const ms = value instanceof Date ? value.getTime() : value;
  if (ms !== undefined && !Number.isFinite(ms)) throw new LanyingError('input.invalid', { field });
  return ms;
}

async function queryOf(people: People, known: readonly ConversationId[], options: SearchOptions): Promise<SearchQuery> {
  const { text = '', limit = limitDefault } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) throw new LanyingError('input.invalid', { field: 'limit' });
  const rooms = list(options.in).map((id) => known.find((one) => one === id));
  if (rooms.includes(undefined)) throw new LanyingError('conversation.unknown');
  const [after, before] = [time(options.after, 'after'), time(options.before, 'before')];
  return {
    text,
    limit,
    from: await Promise.all(list(options.from).map((handle) => people.idOf(handle))),
    in: rooms.filter((id) => id !== undefined),
    has: list(options.has),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  };
}

export async function search(engine: HeadlessEngine, people: People, conversation: (id: ConversationId) => Conversation, options: SearchOptions): Promise<readonly Found[]> {
  const query = await queryOf(people, engine.snapshot().conversations.map(({ conversationId }) => conversationId), options);
  const { hits } = await engine.find('search', query);
  const found = await Promise.all(
    hits.map(async ({ conversationId, sequence }) => {
      const [entry] = await engine.readTexts(conversationId, sequence + 1, 1);
      // Erased while it was being found.
      return entry?.sequence === sequence ? [{ conversation: conversation(conversationId), message: messageOf(people, entry) }] : [];
    }),
  );
  return found.flat();
}
