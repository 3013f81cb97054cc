import { ShieldCheck, UserMinus, X } from 'lucide-react';
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import { tinykeys } from 'tinykeys';
import { Avatar } from '../components/avatar.tsx';
import { Button, IconButton } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { useHeldFocus } from '../components/held-focus.ts';
import { Note } from '../components/notes.tsx';
import { PersonPicker } from './person-picker.tsx';
import { useText } from '../i18n/text.ts';
import { tidyName } from '../models/account.ts';
import type { ConversationView, PersonView, UserId } from '../models/app.ts';
import { directory, face, ownId } from '../models/people.ts';
import { useApp, useFreshPeople, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export function Members(props: { readonly conversation: ConversationView; readonly onClose: () => void; readonly onCompare: (userId: UserId) => void }) {
  const { conversation, onClose, onCompare } = props;
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  const me = ownId(snapshot);
  const [adding, setAdding] = useState(false);
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  useHeldFocus(panel);
  useEffect(() => (panel.current === null ? undefined : tinykeys(panel.current, { Escape: onClose })), [onClose]);
  const people = useMemo(
    () =>
      [...directory(snapshot, t('deleted_person')).values()]
        .filter((person) => conversation.members.includes(person.userId))
        .toSorted((a, b) => a.displayName.localeCompare(b.displayName, locale)),
    [snapshot, conversation.members, locale, t],
  );
  return (
    <aside className="members" aria-label={t('members.title')} ref={panel} tabIndex={-1}>
      <header className="members-head">
        <h2 className="members-title">{t('members.title')}</h2>
        <IconButton label={t('close')} icon={<X size={20} aria-hidden="true" />} onPress={onClose} />
      </header>
      <div className="members-body">
        {conversation.active ? <Rename conversation={conversation} /> : null}
        {conversation.active ? (
          <Button wide onPress={() => setAdding(true)}>
            {t('members.add')}
          </Button>
        ) : null}
        <ul className="rows">
          {people.map((person) => (
            <MemberRow key={person.userId} person={person} conversation={conversation} own={person.userId === me} onCompare={onCompare} />
          ))}
        </ul>
        {conversation.active ? <Leave conversation={conversation} /> : null}
      </div>
      {adding ? <Add conversation={conversation} onClose={() => setAdding(false)} /> : null}
    </aside>
  );
}

function Rename({ conversation }: { readonly conversation: ConversationView }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [title, setTitle] = useState(conversation.title ?? '');
  const changed = tidyName(title) !== '' && tidyName(title) !== (conversation.title ?? '');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.renameConversation(conversation.conversationId, tidyName(title)));
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Field label={t('new.title')} value={title} onChange={setTitle} maxLength={64} autoComplete="off" />
      {changed ? (
        <Button type="submit" busy={task.busy}>
          {t('members.rename_save')}
        </Button>
      ) : null}
      <TaskError now={task.now} />
    </form>
  );
}

function MemberRow(props: { readonly person: PersonView; readonly conversation: ConversationView; readonly own: boolean; readonly onCompare: (userId: UserId) => void }) {
  const { person, conversation, own } = props;
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [asking, setAsking] = useState(false);
  const name = person.displayName;
  // The next change of the group takes them out ([C8]).
  const gone = person.handle === '';
  return (
    <li className="rows-row">
      <Avatar face={face(name, person.userId)} size={36} />
      <span className="rows-text">
        <span className="rows-name">
          {name}
          {own ? t('you_mark') : ''}
        </span>
        <span className="rows-sub">
          {gone ? t('members.deleted') : `@${person.handle}`}
          {person.userId === conversation.owner ? ` · ${t('members.owner')}` : ''}
          {person.identity === 'changed' ? <span className="list-warn"> · {t('people.changed')}</span> : null}
          {person.verified ? <span className="verified"> · {t('people.verified')}</span> : null}
        </span>
      </span>
      {own || gone ? null : <IconButton label={t('people.verify_name', { name })} icon={<ShieldCheck size={18} aria-hidden="true" />} onPress={() => props.onCompare(person.userId)} />}
      {own || gone || !conversation.mayRemove || !conversation.active ? null : (
        <IconButton label={t('members.remove', { name })} icon={<UserMinus size={18} aria-hidden="true" />} onPress={() => setAsking(true)} />
      )}
      {asking ? (
        <Dialog title={t('members.remove', { name })} closeLabel={t('close')} onClose={() => setAsking(false)}>
          <p className="door-text">{t('members.remove_confirm', { name })}</p>
          <TaskError now={task.now} />
          <div className="row-end">
            <Button kind="quiet" onPress={() => setAsking(false)}>
              {t('cancel')}
            </Button>
            <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.removeMember(conversation.conversationId, person.userId), () => setAsking(false))}>
              {t('members.remove_yes')}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </li>
  );
}

function Leave({ conversation }: { readonly conversation: ConversationView }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind="quiet" wide onPress={() => setAsking(true)}>
        <span className="danger">{t('members.leave')}</span>
      </Button>
      {asking ? (
        <Dialog title={t('members.leave')} closeLabel={t('close')} onClose={() => setAsking(false)}>
          <p className="door-text">{t('members.leave_confirm')}</p>
          <TaskError now={task.now} />
          <div className="row-end">
            <Button kind="quiet" onPress={() => setAsking(false)}>
              {t('cancel')}
            </Button>
            <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.leaveConversation(conversation.conversationId), () => setAsking(false))}>
              {t('members.leave_yes')}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

function Add({ conversation, onClose }: { readonly conversation: ConversationView; readonly onClose: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const fresh = useFreshPeople();
  const people = useSnapshot((now) => now.people);
  const others = useMemo(() => people.filter((person) => !conversation.members.includes(person.userId)), [people, conversation.members]);
  const [chosen, setChosen] = useState<ReadonlySet<UserId>>(new Set());
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.addMembers(conversation.conversationId, [...chosen]), onClose);
  };
  return (
    <Dialog title={t('members.add')} closeLabel={t('close')} onClose={onClose}>
      <TaskError now={fresh} />
      {others.length === 0 ? (
        <Note>{t('members.everyone')}</Note>
      ) : (
        <form className="stack" onSubmit={submit}>
          <PersonPicker people={others} chosen={chosen} onChange={setChosen} texts={{ filter: t('new.filter'), list: t('new.people'), none: t('new.none') }} />
          <TaskError now={task.now} />
          <div className="row-end">
            <Button type="submit" kind="primary" busy={task.busy} disabled={chosen.size === 0}>
              {t('members.add_count', { count: chosen.size })}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
