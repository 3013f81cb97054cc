import { ArrowDown } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';
import { Button } from '../components/button.tsx';
import { Empty, Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationView, TimelineView, UserId } from '../models/app.ts';
import { type Directory, nameOf } from '../models/people.ts';
import { headSequence, timelineChange, timelineRows } from '../models/timeline.ts';
import { useApp } from './context.tsx';
import { useMinute } from './conversation-list.tsx';
import { TimelineRowView } from './timeline-row.tsx';

export interface TimelineProps {
  readonly conversation: ConversationView;
  readonly view: TimelineView | null;
  readonly people: Directory;
  readonly me: UserId | null;
}

export function Timeline(props: TimelineProps) {
  const { t } = useText();
  const { view } = props;
  if (view === null) {
    return (
      <div className="timeline">
        <Waiting text={t('conv.loading_first')} />
      </div>
    );
  }
  return (
    <div className="timeline">
      {view.items.length === 0 ? (
        <div className="timeline-empty" role="log" aria-label={t('conv.log')}>
          <Empty title={t('conv.empty')} text={t('conv.empty_text')} />
        </div>
      ) : (
        <Log {...props} view={view} />
      )}
      <Typing typing={view.typing.filter((person) => person !== props.me)} people={props.people} />
    </div>
  );
}

/** Closer to the end than this counts as being there; pixels. */
const nearEnd = 48;
/** Earlier messages are fetched this far before the start is reached; pixels. */
const nearStart = 600;

function Log({ view, people, me }: TimelineProps & { readonly view: TimelineView }) {
  const { t } = useText();
  const app = useApp();
  const list = useRef<VListHandle>(null);
  const [openedHead] = useState(() => headSequence(view.items));
  const rows = useMemo(() => timelineRows(view, openedHead), [view, openedHead]);
  const before = useRef<TimelineView | null>(null);
  const change = useMemo(() => timelineChange(before.current, view), [view]);
  const [atEnd, setAtEnd] = useState(true);
  const end = useRef(true);
  const [missed, setMissed] = useState(0);
  const [announced, setAnnounced] = useState('');
  const now = useMinute();

  useLayoutEffect(() => {
    const first = before.current === null;
    before.current = view;
    const dividerAt = rows.findIndex((row) => row.kind === 'unread');
    if (first && dividerAt > 0) list.current?.scrollToIndex(dividerAt - 1, { align: 'start' });
    else if (first || end.current || change.ownSent) list.current?.scrollToIndex(rows.length - 1, { align: 'end' });
    else setMissed((count) => count + change.arrived.length);
    const latest = change.arrived.at(-1);
    if (latest !== undefined) setAnnounced(`${nameOf(people, latest.from) ?? ''}: ${latest.text}`);
  }, [view, rows, change, people]);

  const settle = (): void => {
    const handle = list.current;
    if (handle === null) return;
    const reached = handle.scrollSize - handle.scrollOffset - handle.viewportSize < nearEnd;
    end.current = reached;
    setAtEnd(reached);
    if (reached) setMissed(0);
    if (handle.scrollOffset < nearStart && view.more && !view.loading) app.actions.loadOlder(view.conversationId).catch(() => undefined);
  };
  useReadMark(view, atEnd);
  const jump = (): void => {
    end.current = true;
    setMissed(0);
    list.current?.scrollToIndex(rows.length - 1, { align: 'end' });
  };
  return (
    <>
      {view.loading ? (
        <p className="timeline-loading" role="status">
          {t('conv.loading')}
        </p>
      ) : null}
      <VList ref={list} className="log" role="log" aria-label={t('conv.log')} aria-live="off" tabIndex={0} shift={change.prepended} onScroll={settle} onResize={() => (end.current ? jump() : undefined)}>
        {rows.map((row) => (
          <TimelineRowView key={row.key} row={row} people={people} me={me} now={now} conversationId={view.conversationId} />
        ))}
      </VList>
      {/* The log itself is silent: a virtual list adds rows while one scrolls. What really arrives is said here. */}
      <p className="sr-only" aria-live="polite">
        {announced}
      </p>
      {atEnd ? null : (
        <div className="jump">
          <Button onPress={jump} label={t('conv.jump', { count: missed })}>
            <ArrowDown size={18} aria-hidden="true" />
            {missed > 0 ? <span className="badge">{missed > 99 ? '99+' : missed}</span> : null}
          </Button>
        </div>
      )}
    </>
  );
}

/** What is on the screen of a person who looks is read. */
function useReadMark(view: TimelineView, atEnd: boolean): void {
  const app = useApp();
  const marked = useRef(0);
  const head = headSequence(view.items);
  useEffect(() => {
    const mark = (): void => {
      if (!atEnd || head <= marked.current || document.visibilityState !== 'visible' || !document.hasFocus()) return;
      marked.current = head;
      // Lost while offline: the next mark says more.
      app.actions.markRead(view.conversationId, head).catch(() => undefined);
    };
    mark();
    window.addEventListener('focus', mark);
    document.addEventListener('visibilitychange', mark);
    return () => {
      window.removeEventListener('focus', mark);
      document.removeEventListener('visibilitychange', mark);
    };
  }, [app, head, atEnd, view.conversationId]);
}

function Typing({ typing, people }: { readonly typing: readonly UserId[]; readonly people: Directory }) {
  const { t } = useText();
  const [first, second] = typing.map((person) => nameOf(people, person) ?? t('unknown_person'));
  let text = '';
  if (typing.length > 2) text = t('typing.many');
  else if (first !== undefined && second !== undefined) text = t('typing.two', { name: first, other: second });
  else if (first !== undefined) text = t('typing.one', { name: first });
  return (
    <p className="typing" aria-live="polite">
      {text}
    </p>
  );
}
