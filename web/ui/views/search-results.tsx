/** What was found, newest first, with the words marked. */
import { useRef } from 'react';
import { VList, type VListHandle } from 'virtua';
import { useStore } from 'zustand';
import { Avatar } from '../components/avatar.tsx';
import { Button } from '../components/button.tsx';
import { ErrorNote, Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { face } from '../models/people.ts';
import type { Hit } from '../models/search.ts';
import type { Lookups } from '../models/search-tokens.ts';
import { dateTime, listTime } from '../models/time.ts';
import { useApp } from './context.tsx';
import { useMinute } from './conversation-list.tsx';

/** More is asked for this far before the end; pixels. */
const nearEnd = 400;

export function SearchResults({ lookups, onOpen }: { readonly lookups: Lookups; readonly onOpen: (hit: Hit) => void }) {
  const { t } = useText();
  const { search } = useApp();
  const { answer, failed, input } = useStore(search.state);
  const list = useRef<VListHandle>(null);
  const now = useMinute();
  if (failed) {
    return (
      <div className="search-none">
        <ErrorNote>{t('search.failed')}</ErrorNote>
        <Button onPress={() => search.again()}>{t('retry')}</Button>
      </div>
    );
  }
  if (answer === null) return <Waiting text={t('search.reading')} />;
  if (answer.hits.length === 0) return answer.whole ? <p className="search-none">{input.trim() === '' ? t('search.none') : t('search.none_of', { words: input.trim() })}</p> : <Waiting text={t('search.reading')} />;
  const settle = (): void => {
    const handle = list.current;
    if (handle !== null && handle.scrollSize - handle.scrollOffset - handle.viewportSize < nearEnd) search.more();
  };
  return (
    <>
      <p className="sr-only" role="status">
        {t(answer.next === null ? 'search.found' : 'search.found_many', { count: answer.hits.length })}
      </p>
      <VList ref={list} className="search-list" role="list" aria-label={t('search.results')} onScroll={settle}>
        {answer.hits.map((hit) => (
          <HitRow key={`${hit.conversationId}/${hit.sequence}`} hit={hit} now={now} lookups={lookups} onOpen={onOpen} />
        ))}
      </VList>
    </>
  );
}

function HitRow({ hit, now, lookups, onOpen }: { readonly hit: Hit; readonly now: number; readonly lookups: Lookups; readonly onOpen: (hit: Hit) => void }) {
  const { t, locale } = useText();
  const name = lookups.people.find(({ id }) => id === hit.from)?.name ?? t('unknown_person');
  const title = lookups.conversations.find(({ id }) => id === hit.conversationId)?.title ?? '';
  return (
    <div role="listitem">
      <button type="button" data-row className="hit" onClick={() => onOpen(hit)}>
        <Avatar face={face(name, hit.from)} size={36} />
        <span className="hit-head">
          <span className="hit-name">{name}</span>
          <time className="hit-time" dateTime={new Date(hit.sentAt).toISOString()} title={dateTime(hit.sentAt, locale)}>
            {listTime(hit.sentAt, now, locale)}
          </time>
        </span>
        <span className="hit-text" dir="auto">
          <Marked hit={hit} />
        </span>
        <span className="hit-title">{title}</span>
      </button>
    </div>
  );
}

/** Never as markup: pieces of text, some of them in a mark. */
function Marked({ hit: { text, marks } }: { readonly hit: Hit }) {
  let at = 0;
  const pieces = marks.flatMap(({ from, to }) => {
    const plain = text.slice(at, from);
    at = to;
    return [plain, <mark key={from}>{text.slice(from, to)}</mark>];
  });
  return [...pieces, text.slice(at)];
}
