import { ArrowDown } from 'lucide-react';
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';
import { Button } from '../components/button.tsx';
import { Empty, Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { type Anchor, following, isAtEnd, moved, type Place, reading, touched } from '../models/anchor.ts';
import type { ConversationView, TimelineView, UserId } from '../models/app.ts';
import { type Directory, keyChangesOf, nameOf } from '../models/people.ts';
import { headSequence, timelineChange, type TimelineRow, timelineRows } from '../models/timeline.ts';
import { useApp } from './context.tsx';
import { useMinute } from './conversation-list.tsx';
import { TimelineRowView } from './timeline-row.tsx';

export interface TimelineProps {
  readonly conversation: ConversationView;
  readonly view: TimelineView | null;
  readonly people: Directory;
  readonly me: UserId | null;
  /** The message that it was opened for. */
  readonly target?: { readonly sequence: number } | null;
}

export function Timeline(props: TimelineProps) {
  const { t } = useText();
  const { view } = props;
  const frame = useRef<HTMLDivElement>(null);
  if (view === null) {
    return (
      <div className="timeline">
        <Waiting text={t('conv.loading_first')} />
      </div>
    );
  }
  return (
    <div className="timeline" ref={frame}>
      {view.items.length === 0 ? (
        <div className="timeline-empty" role="log" aria-label={t('conv.log')}>
          <Empty title={t('conv.empty')} text={t('conv.empty_text')} />
        </div>
      ) : (
        <Log {...props} view={view} frame={frame} />
      )}
      <Typing typing={view.typing.filter((person) => person !== props.me)} people={props.people} />
    </div>
  );
}

/** Earlier messages are fetched this far before the start is reached; pixels. */
const nearStart = 600;

const placeOf = ({ scrollOffset: offset, scrollSize: size, viewportSize: viewport }: VListHandle): Place => ({ offset, size, viewport });

function Log({ conversation, view, people, me, frame, target = null }: TimelineProps & { readonly view: TimelineView; readonly frame: RefObject<HTMLDivElement | null> }) {
  const { t } = useText();
  const app = useApp();
  const list = useRef<VListHandle>(null);
  const [openedHead] = useState(() => headSequence(view.items));
  const outOf = conversation.active ? null : conversation.owner;
  const keyChanges = useMemo(() => keyChangesOf(conversation.members, people), [conversation.members, people]);
  const rows = useMemo(() => timelineRows(view, openedHead, { me, outOf }, keyChanges), [view, openedHead, me, outOf, keyChanges]);
  const anchorRef = useRef(following);
  const { change, atEnd, setAtEnd, missed, setMissed, announced } = usePlace(list, anchorRef, rows, view, people, target);
  const now = useMinute();

  const settle = (): void => {
    const handle = list.current;
    if (handle === null) return;
    anchorRef.current = moved(anchorRef.current, placeOf(handle));
    if (view.newer === true) {
      anchorRef.current = reading(anchorRef.current);
      if (!view.loading && handle.scrollSize - handle.scrollOffset - handle.viewportSize < nearStart) app.actions.loadNewer(view.conversationId).catch(() => undefined);
    }
    setAtEnd(anchorRef.current.follows);
    if (anchorRef.current.follows) setMissed(0);
    if (handle.scrollOffset < nearStart && view.more && !view.loading) app.actions.loadOlder(view.conversationId).catch(() => undefined);
  };
  useReadMark(view, atEnd);
  const jump = (): void => {
    if (view.newer === true) return app.show(view.conversationId, null);
    anchorRef.current = following;
    setAtEnd(true);
    setMissed(0);
    list.current?.scrollToIndex(rows.length - 1, { align: 'end' });
  };
  const rest = (): void => {
    if (list.current !== null && anchorRef.current.follows && !isAtEnd(placeOf(list.current))) jump();
  };
  useTouch(frame, anchorRef, rest);
  return (
    <>
      {view.loading ? (
        <p className="timeline-loading" role="status">
          {t('conv.loading')}
        </p>
      ) : null}
      <VList ref={list} className="log" role="log" aria-label={t('conv.log')} aria-live="off" tabIndex={0} shift={change.prepended} onScroll={settle} onScrollEnd={rest} onResize={() => (anchorRef.current.follows ? jump() : undefined)}>
        {rows.map((row) => (
          <TimelineRowView key={row.key} row={row} found={row.kind === 'text' && target !== null && row.item.sequence === target.sequence} people={people} me={me} now={now} conversationId={view.conversationId} />
        ))}
      </VList>
      {/* The log itself is silent: a virtual list adds rows while one scrolls. What really arrives is said here. */}
      <p className="sr-only" aria-live="polite">
        {announced}
      </p>
      {atEnd ? null : <Jump missed={missed} onJump={jump} />}
    </>
  );
}

/** Where the list stands after each change of the view: at the message it was opened for, the unread divider, the end, or where one reads. */
function usePlace(list: RefObject<VListHandle | null>, anchorRef: RefObject<Anchor>, rows: readonly TimelineRow[], view: TimelineView, people: Directory, target: { readonly sequence: number } | null) {
  const before = useRef<TimelineView | null>(null);
  const change = useMemo(() => timelineChange(before.current, view), [view]);
  const [atEnd, setAtEnd] = useState(true);
  const [missed, setMissed] = useState(0);
  const [announced, setAnnounced] = useState('');
  const shown = useRef<typeof target>(null);
  useLayoutEffect(() => {
    const first = before.current === null;
    const apart = before.current?.newer === true;
    before.current = view;
    const waits = target !== null && shown.current !== target;
    const targetAt = waits ? rows.findIndex((row) => row.kind === 'text' && row.item.sequence === target.sequence) : -1;
    // Where it need not scroll nobody says whether the end is on the screen.
    const look = (): void => {
      const handle = list.current;
      if (handle !== null && handle.viewportSize === 0) return void requestAnimationFrame(look);
      if (handle !== null && view.newer !== true) anchorRef.current = moved(anchorRef.current, placeOf(handle));
      setAtEnd(anchorRef.current.follows);
    };
    if (targetAt >= 0) {
      shown.current = target;
      anchorRef.current = reading(anchorRef.current);
      list.current?.scrollToIndex(targetAt, { align: 'center' });
      requestAnimationFrame(look);
      return;
    }
    if (apart || (waits && view.newer === true)) return;
    const dividerAt = rows.findIndex((row) => row.kind === 'unread');
    if (first && dividerAt > 0) {
      anchorRef.current = reading(anchorRef.current);
      list.current?.scrollToIndex(dividerAt - 1, { align: 'start' });
      requestAnimationFrame(look);
    } else if (first || anchorRef.current.follows || change.ownSent) {
      anchorRef.current = { ...anchorRef.current, follows: true };
      list.current?.scrollToIndex(rows.length - 1, { align: 'end' });
    } else setMissed((count) => count + change.arrived.length);
    const latest = change.arrived.at(-1);
    if (latest !== undefined) setAnnounced(`${nameOf(people, latest.from) ?? ''}: ${latest.text}`);
  }, [list, anchorRef, view, rows, change, people, target]);
  return { change, atEnd, setAtEnd, missed, setMissed, announced };
}

function Jump({ missed, onJump }: { readonly missed: number; readonly onJump: () => void }) {
  const { t } = useText();
  return (
    <div className="jump">
      <Button onPress={onJump} label={t('conv.jump', { count: missed })}>
        <ArrowDown size={18} aria-hidden="true" />
        {missed > 0 ? <span className="badge">{missed > 99 ? '99+' : missed}</span> : null}
      </Button>
    </div>
  );
}

/** Notes whatever a person does in the list, and looks after its end when the page is seen again: a hidden one measures no rows. */
function useTouch(frame: RefObject<HTMLDivElement | null>, anchor: RefObject<Anchor>, seen: () => void): void {
  const latest = useRef(seen);
  useEffect(() => {
    latest.current = seen;
  });
  useEffect(() => {
    const element = frame.current;
    const touch = (): void => {
      anchor.current = touched(anchor.current);
    };
    const look = (): void => {
      if (document.visibilityState === 'visible') latest.current();
    };
    const kinds = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;
    for (const kind of kinds) element?.addEventListener(kind, touch, { passive: true });
    document.addEventListener('visibilitychange', look);
    return () => {
      for (const kind of kinds) element?.removeEventListener(kind, touch);
      document.removeEventListener('visibilitychange', look);
    };
  }, [frame, anchor]);
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
