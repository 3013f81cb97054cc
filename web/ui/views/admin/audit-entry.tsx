import { ChevronDown } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { type AuditEntry, factsOf, hasWord, isGrave } from '../../models/admin/audit.ts';
import { classes } from '../../models/admin/retention.ts';
import type { EngineSnapshot } from '../../models/app.ts';
import { clock, dateTime, exactTime } from '../../models/time.ts';
import { useSnapshot } from '../context.tsx';
import { type Names, useNames } from './desk-context.tsx';

type T = ReturnType<typeof useText>['t'];

function actorOf({ actor }: AuditEntry, names: Names, t: T): string {
  switch (actor.kind) {
    case 'person':
      return names.person(actor.userId);
    case 'system':
      return t('audit.actor.system', { name: actor.name });
    case 'stranger':
    case 'operator':
      return t(`audit.actor.${actor.kind}`);
  }
}

/** A name where this device knows one, else what kind of thing it is. */
function objectOf({ object, actor }: AuditEntry, names: Names, snapshot: EngineSnapshot, t: T): string | null {
  if (object === null || object.kind === 'server' || object.kind === 'log') return null;
  if (object.kind === 'account') {
    if (actor.kind === 'person' && actor.userId === object.id) return null;
    const found = snapshot.people.find(({ userId }) => userId === object.id);
    return found === undefined ? t('audit.actor.gone') : names.person(found.userId);
  }
  if (object.kind === 'policy') {
    const ofClass = classes.find((name) => object.id.split(' ').includes(name));
    return ofClass === undefined ? t('audit.object.policy') : t(`retention.class.${ofClass}`);
  }
  const conversation = snapshot.conversations.find(({ conversationId }) => conversationId === object.id);
  return conversation === undefined ? t(`audit.object.${object.kind}`) : names.conversation(conversation.conversationId);
}

/** One line, and behind it all that the entry holds. */
export function AuditEntryRow({ entry }: { readonly entry: AuditEntry }) {
  const { t, locale } = useText();
  const names = useNames();
  const snapshot = useSnapshot((now) => now);
  const [open, setOpen] = useState(false);
  const id = useId();
  const object = objectOf(entry, names, snapshot, t);
  return (
    <li className="entry">
      <button type="button" className="entry-row" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <time className="entry-time" dateTime={new Date(entry.time).toISOString()}>
          {clock(entry.time, locale)}
        </time>
        <span className={`entry-act${isGrave(entry.act) ? ' entry-grave' : ''}`}>{t(`act.${entry.act}`)}</span>
        <span className="entry-who">{actorOf(entry, names, t)}</span>
        <span className="entry-what">{object}</span>
        <ChevronDown size={16} className="entry-mark" aria-hidden="true" />
      </button>
      <div id={id}>{open ? <Details entry={entry} names={names} /> : null}</div>
    </li>
  );
}

/** Moments are told as moments, people by their names; everything else as it stands. */
function factText(key: string, value: string | null, snapshot: EngineSnapshot, locale: string): string {
  if (value === null || value === 'null') return '—';
  if (/(?:At|until)$/.test(key) && /^\d{12,}$/.test(value)) return dateTime(Number(value), locale);
  return snapshot.people.find(({ userId }) => userId === value)?.displayName ?? value;
}

function Details({ entry, names }: { readonly entry: AuditEntry; readonly names: Names }) {
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  const facts = factsOf(entry);
  const whose = (subject: string): string => snapshot.people.find(({ userId }) => userId === subject)?.displayName ?? (subject.startsWith('strangers-') ? t('audit.actor.stranger') : t('audit.actor.gone'));
  const line = (label: string, value: ReactNode) => (
    <div className="detail" key={label}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
  return (
    <div className="entry-details">
      <dl className="details">
        {line(t('audit.detail.time'), exactTime(entry.time, locale))}
        {line(t('audit.filter.actor'), actorOf(entry, names, t))}
        {entry.object === null ? null : line(t('audit.detail.object'), <>{t(`audit.object.${entry.object.kind}`)} <code>{entry.object.id}</code></>)}
        {entry.reason === null ? null : line(t('audit.detail.reason'), <code>{entry.reason}</code>)}
        {entry.personal.map(({ subject, fields }) =>
          line(
            `${t('audit.detail.personal')}: ${whose(subject)}`,
            fields === null ? t('audit.detail.erased') : Object.entries(fields).map(([field, value]) => `${t(`audit.personal.${field}`)}: ${value}`).join(' · '),
          ),
        )}
        {line(t('audit.detail.index'), <code>{entry.index}</code>)}
        {entry.requestId === '-' ? null : line(t('audit.detail.request'), <code>{entry.requestId}</code>)}
      </dl>
      {facts.length === 0 ? null : (
        <table className="facts">
          <thead>
            <tr>
              <th scope="col">{t('audit.detail.fact')}</th>
              <th scope="col">{t('audit.detail.before')}</th>
              <th scope="col">{t('audit.detail.after')}</th>
            </tr>
          </thead>
          <tbody>
            {facts.map(({ key, before, after }) => (
              <tr key={key}>
                <th scope="row">
                  {hasWord(key) ? t(`fact.${key}`) : <code>{key}</code>}
                </th>
                <td>{factText(key, before, snapshot, locale)}</td>
                <td>{factText(key, after, snapshot, locale)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
