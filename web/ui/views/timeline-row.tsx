import { CircleAlert } from 'lucide-react';
import { memo } from 'react';
import { Avatar } from '../components/avatar.tsx';
import { Button } from '../components/button.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationId, UserId } from '../models/app.ts';
import { type Directory, face, nameOf } from '../models/people.ts';
import { clock, dateTime, dayLabel } from '../models/time.ts';
import { type EventItem, type TextItem, textPieces, type TimelineRow } from '../models/timeline.ts';
import { useApp, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export interface TimelineRowProps {
  readonly row: TimelineRow;
  readonly people: Directory;
  readonly me: UserId | null;
  readonly now: number;
  readonly conversationId: ConversationId;
  /** It is what the timeline was opened for. */
  readonly found?: boolean;
}

export const TimelineRowView = memo(function TimelineRowView({ row, people, me, now, conversationId, found = false }: TimelineRowProps) {
  const { t, locale } = useText();
  switch (row.kind) {
    case 'day':
      return (
        <div className="divider">
          <span className="divider-text">{dayLabel(row.at, now, locale)}</span>
        </div>
      );
    case 'unread':
      return (
        <div className="divider divider-unread" role="separator" aria-label={t('conv.unread')}>
          <span className="divider-text">{t('conv.unread')}</span>
        </div>
      );
    case 'text':
      return (
        <div className={found ? 'found' : undefined}>
          {row.item.own ? <Own item={row.item} first={row.first} last={row.last} conversationId={conversationId} /> : <Other item={row.item} first={row.first} people={people} />}
        </div>
      );
    case 'event':
      return <p className="event">{eventText(row.item, people, me, t, locale)}</p>;
    case 'identity':
      return <p className="event event-identity">{t('event.identity', { name: nameOf(people, row.person) ?? t('unknown_person'), when: dateTime(row.at, locale) })}</p>;
    case 'out':
      return <p className="event">{t('event.removed', { name: row.by === me ? t('you') : (nameOf(people, row.by) ?? t('unknown_person')), people: t('you_inside') })}</p>;
    case 'unreadable':
      return (
        <p className={row.item.reason === 'refused' ? 'event event-refused' : 'event'}>
          {t(row.item.reason === 'refused' ? 'msg.refused' : 'msg.unreadable')}
        </p>
      );
  }
});

function Body({ text }: { readonly text: string }) {
  return textPieces(text).map((piece, index) =>
    piece.href === null ? (
      piece.text
    ) : (
      // Pieces of one text never move.
      <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer">
        {piece.text}
      </a>
    ),
  );
}

function Time({ at }: { readonly at: number }) {
  const { locale } = useText();
  return (
    <time className="time" dateTime={new Date(at).toISOString()} title={dateTime(at, locale)}>
      {clock(at, locale)}
    </time>
  );
}

function Other({ item, first, people }: { readonly item: TextItem; readonly first: boolean; readonly people: Directory }) {
  const { t } = useText();
  const name = nameOf(people, item.from) ?? t('unknown_person');
  return (
    <article className={`other${first ? ' other-first' : ''}`} aria-label={name}>
      {first ? <Avatar face={face(name, item.from)} size={36} /> : null}
      {first ? (
        <p className="other-head">
          <span className="other-name">{name}</span> <Time at={item.sentAt} />
        </p>
      ) : null}
      <p className="other-text" dir="auto">
        <Body text={item.text} />
      </p>
    </article>
  );
}

function Own({ item, first, last, conversationId }: { readonly item: TextItem; readonly first: boolean; readonly last: boolean; readonly conversationId: ConversationId }) {
  const { t } = useText();
  const failed = typeof item.delivery === 'object';
  return (
    <article className={`own${first ? ' own-first' : ''}${last ? ' own-last' : ''}${failed ? ' own-failed' : ''}`} aria-label={t('you')}>
      <p className="own-bubble" dir="auto">
        <Body text={item.text} />
      </p>
      {typeof item.delivery === 'object' ? <Failed item={item} reason={t(`error.${item.delivery.failed}`)} conversationId={conversationId} /> : null}
      {!failed && last ? (
        <p className="own-caption">
          <Time at={item.sentAt} />
          <span aria-hidden="true"> · </span>
          {t(item.delivery === 'sending' ? 'msg.sending' : 'msg.sent')}
        </p>
      ) : null}
    </article>
  );
}

/** The buttons go away with what failed. */
const toComposer = (): void => document.querySelector<HTMLElement>('.composer-field')?.focus();

function Failed({ item, reason, conversationId }: { readonly item: TextItem; readonly reason: string; readonly conversationId: ConversationId }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  return (
    <div className="failed">
      <p className="failed-text">
        <CircleAlert size={14} aria-hidden="true" />
        <span>
          <strong>{t('msg.failed')}</strong> {reason}
        </span>
      </p>
      <TaskError now={task.now} />
      <div className="row row-right">
        <Button busy={task.busy} onPress={() => task.run(() => app.actions.retrySend(conversationId, item.id), toComposer)}>
          {t('msg.retry')}
        </Button>
        <Button kind="quiet" onPress={() => task.run(() => app.actions.discardSend(conversationId, item.id), toComposer)}>
          {t('msg.discard')}
        </Button>
      </div>
    </div>
  );
}

type Translate = ReturnType<typeof useText>['t'];
function eventText(item: EventItem, people: Directory, me: UserId | null, t: Translate, locale: string): string {
  const named = (person: UserId): string => (person === me ? t('you') : (nameOf(people, person) ?? t('unknown_person')));
  const inside = (person: UserId): string => (person === me ? t('you_inside') : named(person));
  const list = (persons: readonly UserId[]): string => new Intl.ListFormat(locale).format(persons.map(inside));
  const name = named(item.actor);
  switch (item.event.type) {
    case 'created':
      return t('event.created', { name });
    case 'titled':
      return t('event.titled', { name, title: item.event.title });
    case 'added':
      return t('event.added', { name, people: list(item.event.people) });
    case 'removed':
      return t('event.removed', { name, people: list(item.event.people) });
    case 'left':
      return t('event.left', { name });
    case 'new_device':
      return t('event.new_device', { name: named(item.event.person) });
    case 'gap':
      return t('event.gap');
  }
}
