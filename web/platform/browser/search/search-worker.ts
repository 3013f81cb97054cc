/** The search index of this profile, in a worker of one page: reads the sealed store beside the engine and writes nothing. */
import { MessageIndex } from '../../../engine/search/message-index.ts';
import type { SearchQuery } from '../../../engine/search/query.ts';
import { SealedStore } from '../../../engine/store/sealed-store.ts';
import { openBrowserStoreToRead } from '../store.ts';
import { channelOf } from '../host/wire.ts';
import { onNews } from '../written.ts';
import type { FromSearch, ToSearch } from './wire.ts';

/** Searches that go on are answered again so long after something was written. */
const againMs = 150;
const store = 'lanying';

const running = new Map<number, SearchQuery>();
let opening: Promise<MessageIndex> | null = null;
let again: ReturnType<typeof setTimeout> | null = null;

const channel = channelOf<ToSearch, FromSearch>(self);
const { post } = channel;

const index = (): Promise<MessageIndex> => {
  opening ??= openBrowserStoreToRead(store).then(async (opened) => new MessageIndex(await SealedStore.open(opened)));
  return opening;
};

function failed(): void {
  opening = null;
  for (const id of running.keys()) post({ kind: 'failed', id });
}

function answerAll(found: MessageIndex): void {
  for (const [id, query] of running) post({ kind: 'answer', id, answer: found.search(query) });
}

async function run(id: number, query: SearchQuery): Promise<void> {
  running.set(id, query);
  const found = await index();
  if (found.whole) return post({ kind: 'answer', id, answer: found.search(query) });
  await found.load(() => answerAll(found));
}

async function follow(keys: readonly string[]): Promise<void> {
  if (opening === null) return;
  const found = await opening;
  await found.follow(keys);
  again ??= setTimeout(() => {
    again = null;
    answerAll(found);
  }, againMs);
}

onNews(store, (news) => {
  if (news.kind === 'written') return void follow(news.keys).catch(failed);
  post({ kind: 'over' });
  self.close();
});

channel.listen((message) => {
  if (message.kind === 'stop') running.delete(message.id);
  else run(message.id, message.query).catch(failed);
});
