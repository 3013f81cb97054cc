import { CircleAlert, ShieldAlert } from 'lucide-react';
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Avatar } from '../components/avatar.tsx';
import { isFocusLost } from '../components/held-focus.ts';
import { useText } from '../i18n/text.ts';
import { conversationRows, type ConversationRow, filterRows, listKey, neighbour } from '../models/conversation-list.ts';
import { useSnapshot } from './context.tsx';
import { useKeys } from './keys.ts';

/** Re-renders when the minute changes, for relative times. */
export function useMinute(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function ConversationList({ current, query }: { readonly current: string | null; readonly query: string }) {
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  const now = useMinute();
  const rows = useMemo(() => conversationRows(snapshot, now, locale, t('deleted_person')), [snapshot, now, locale, t]);
  const shown = filterRows(rows, useDeferredValue(query));
  const list = useRef<HTMLUListElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const stop = shown.some((row) => row.id === (focused ?? current)) ? (focused ?? current) : (shown[0]?.id ?? null);
  const [, go] = useLocation();
  const step = (by: 1 | -1) => (): void => {
    const next = neighbour(shown, current, by);
    if (next !== null) go(`/c/${next}`);
  };
  useKeys({ previous: step(-1), next: step(1) });
  const left = useRef<string | null>(null);
  useEffect(() => {
    // Back from a conversation on a phone: to the row that one came from.
    if (current === null && isFocusLost()) list.current?.querySelector<HTMLElement>(`a[href$="${left.current ?? ''}"]`)?.focus();
    left.current = current;
  }, [current]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = listKey(event.key, shown.findIndex((row) => row.id === stop), shown.length);
    if (next === null) return;
    event.preventDefault();
    list.current?.querySelectorAll<HTMLElement>('a')[next]?.focus();
  };
  return (
    <>
      {/* Safari drops the role of a list without bullets unless it is said. */}
      <ul className="list" role="list" aria-label={t('list.name')} ref={list}>
        {shown.map((row) => (
          <Row key={row.id} row={row} active={row.id === current} stop={row.id === stop} onFocus={() => setFocused(row.id)} onKeyDown={onKeyDown} />
        ))}
      </ul>
      {shown.length === 0 && query.trim() !== '' ? <p className="list-none">{t('list.none', { query })}</p> : null}
    </>
  );
}

interface RowProps {
  readonly row: ConversationRow;
  readonly active: boolean;
  /** The one tab stop of the list. */
  readonly stop: boolean;
  readonly onFocus: () => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

function Row({ row, active, stop, onFocus, onKeyDown }: RowProps) {
  const { t } = useText();
  return (
    <li className="list-item">
      <Link
        href={`/c/${row.id}`}
        className={`list-row${active ? ' list-row-active' : ''}`}
        aria-current={active ? 'page' : undefined}
        tabIndex={stop ? 0 : -1}
        onFocus={onFocus}
        onKeyDown={onKeyDown}
      >
        <Avatar face={row.face} />
        <span className="list-title">{row.title ?? t('list.alone')}</span>
        <span className="list-preview">
          <Preview row={row} />
        </span>
        <span className="list-time">{row.time}</span>
        {row.unread > 0 ? (
          <span className="badge">
            <span aria-hidden="true">{row.unread > 99 ? '99+' : row.unread}</span>
            <span className="sr-only">{t('list.unread', { count: row.unread })}</span>
          </span>
        ) : null}
      </Link>
    </li>
  );
}

function Preview({ row }: { readonly row: ConversationRow }) {
  const { t } = useText();
  switch (row.preview.kind) {
    case 'halted':
      return (
        <span className="list-mark danger">
          <ShieldAlert size={14} aria-hidden="true" />
          {t('list.halted')}
        </span>
      );
    case 'blocked':
      return (
        <span className="list-mark warn">
          <ShieldAlert size={14} aria-hidden="true" />
          {t('list.blocked')}
        </span>
      );
    case 'failed':
      return (
        <span className="list-mark danger">
          <CircleAlert size={14} aria-hidden="true" />
          {t('list.failed')}
        </span>
      );
    case 'draft':
      return (
        <>
          <span className="list-draft">{t('list.draft')}</span> {row.preview.text}
        </>
      );
    case 'own':
      return t('list.you', { text: row.preview.text });
    case 'other':
      return row.preview.name === null ? row.preview.text : t('list.from', { name: row.preview.name, text: row.preview.text });
    case 'left':
      return t('list.left');
    case 'empty':
      return t('list.no_messages');
  }
}
