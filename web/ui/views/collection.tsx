/** What was sent in a conversation, by kind, and the way to a day of it. */
import { X } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { tinykeys } from 'tinykeys';
import { Button, IconButton } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useHeldFocus } from '../components/held-focus.ts';
import { ErrorNote, Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { ConversationView } from '../models/app.ts';
import { type Directory, nameOf } from '../models/people.ts';
import type { Hit, SearchAnswer } from '../models/search.ts';
import { dayOf, hasKinds } from '../models/search-tokens.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';
import '../styles/search.css';

type Tab = (typeof hasKinds)[number];

export function Collection({ conversation, people, onClose }: { readonly conversation: ConversationView; readonly people: Directory; readonly onClose: () => void }) {
  const { t } = useText();
  const app = useApp();
  const id = conversation.conversationId;
  const [tab, setTab] = useState<Tab>('link');
  const [answer, setAnswer] = useState<SearchAnswer | null>(null);
  const [failed, setFailed] = useState(false);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  useHeldFocus(panel);
  useEffect(() => (panel.current === null ? undefined : tinykeys(panel.current, { Escape: onClose })), [onClose]);
  useEffect(() => {
    setAnswer(null);
    return app.search.collect(id, tab, (next) => {
      setFailed(next === null);
      if (next !== null) setAnswer(next);
    });
  }, [app, id, tab]);
  const onTabKey = (event: KeyboardEvent<HTMLButtonElement>): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = hasKinds[(hasKinds.indexOf(tab) + by + hasKinds.length) % hasKinds.length];
    if (by === 0 || next === undefined) return;
    setTab(next);
    panel.current?.querySelector<HTMLElement>(`#collection-${next}`)?.focus();
  };
  return (
    <aside className="members" aria-label={t('collection.title')} ref={panel} tabIndex={-1}>
      <header className="members-head">
        <h2 className="members-title">{t('collection.title')}</h2>
        <IconButton label={t('close')} icon={<X size={20} aria-hidden="true" />} onPress={onClose} />
      </header>
      <div className="members-body">
        <ToDate conversation={conversation} />
        <div className="collection-tabs" role="tablist" aria-label={t('collection.kinds')}>
          {hasKinds.map((kind) => (
            <button key={kind} id={`collection-${kind}`} type="button" role="tab" className="collection-tab" aria-selected={kind === tab} aria-controls="collection-panel" tabIndex={kind === tab ? 0 : -1} onClick={() => setTab(kind)} onKeyDown={onTabKey}>
              {t(`collection.${kind}`)}
            </button>
          ))}
        </div>
        <div id="collection-panel" role="tabpanel" aria-labelledby={`collection-${tab}`}>
          {failed ? <ErrorNote>{t('search.failed')}</ErrorNote> : answer === null ? <Waiting text={t('search.reading')} /> : <Found tab={tab} answer={answer} people={people} onShow={(hit) => app.show(hit.conversationId, hit.sequence)} />}
        </div>
      </div>
    </aside>
  );
}

function Found({ tab, answer, people, onShow }: { readonly tab: Tab; readonly answer: SearchAnswer; readonly people: Directory; readonly onShow: (hit: Hit) => void }) {
  const { t } = useText();
  if (answer.hits.length === 0) return answer.whole ? <p className="blocked-text">{t(`collection.none_${tab}`)}</p> : <Waiting text={t('search.reading')} />;
  return (
    <ul className="rows">
      {answer.hits.map((hit) => (
        <li key={hit.sequence} className="collection-link">
          {tab === 'link' ? (
            hit.links.map((link) => (
              <a key={link} className="collection-address" href={link} target="_blank" rel="noopener noreferrer">
                {link}
              </a>
            ))
          ) : (
            <span className="collection-address">{hit.text}</span>
          )}
          <From hit={hit} people={people} onShow={onShow} />
        </li>
      ))}
    </ul>
  );
}

function From({ hit, people, onShow }: { readonly hit: Hit; readonly people: Directory; readonly onShow: (hit: Hit) => void }) {
  const { t, locale } = useText();
  const name = nameOf(people, hit.from) ?? t('unknown_person');
  const when = dateTime(hit.sentAt, locale);
  return (
    <span className="collection-from">
      <span>
        {name} · {when}
      </span>
      <button type="button" className="link-button" aria-label={t('collection.show_of', { name, when })} onClick={() => onShow(hit)}>
        {t('collection.show')}
      </button>
    </span>
  );
}

function ToDate({ conversation: { conversationId } }: { readonly conversation: ConversationView }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [day, setDay] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const at = dayOf(day);
    if (at === null) return;
    task.run(async () => {
      const sequence = await app.actions.find('date', { conversationId, at });
      if (sequence !== null) app.show(conversationId, sequence);
    });
  };
  return (
    <form onSubmit={submit}>
      <div className="collection-date">
        <Field label={t('collection.date')} type="date" value={day} onChange={setDay} />
        <Button type="submit" busy={task.busy} disabled={dayOf(day) === null}>
          {t('collection.go')}
        </Button>
      </div>
      <TaskError now={task.now} />
    </form>
  );
}
