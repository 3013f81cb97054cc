import { KeyRound, MessageSquare, ShieldCheck } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Avatar } from '../components/avatar.tsx';
import { IconButton } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useText } from '../i18n/text.ts';
import type { PersonView, UserId } from '../models/app.ts';
import { directConversation, face, mayReset, ownId } from '../models/people.ts';
import { useApp, useFreshPeople, useSnapshot, useTask } from './context.tsx';
import { ResetLink } from './reset-link.tsx';
import { Safety } from './safety.tsx';
import { TaskError } from './task-error.tsx';

export function People({ onClose, onOpen }: { readonly onClose: () => void; readonly onOpen: (id: string) => void }) {
  const { t } = useText();
  const app = useApp();
  const snapshot = useSnapshot((now) => now);
  const others = useMemo(() => snapshot.people.filter((person) => person.userId !== ownId(snapshot)), [snapshot]);
  const fresh = useFreshPeople();
  const starting = useTask();
  const [comparing, setComparing] = useState<UserId | null>(null);
  const [resetting, setResetting] = useState<PersonView | null>(null);
  const me = snapshot.account.state === 'ready' ? snapshot.account.me : null;
  const message = (person: PersonView): void => {
    const existing = directConversation(snapshot.conversations, person.userId);
    if (existing !== undefined) return onOpen(existing.conversationId);
    starting.run(() => app.actions.createConversation({ title: null, members: [person.userId] }), onOpen);
  };
  return (
    <Dialog title={t('nav.people')} closeLabel={t('close')} onClose={onClose}>
      <TaskError now={fresh} />
      <TaskError now={starting.now} />
      {others.length === 0 ? <p className="field-hint">{t('people.empty')}</p> : null}
      <ul className="rows">
        {others.map((person) => (
          <li key={person.userId} className="rows-row">
            <Avatar face={face(person.displayName, person.userId)} size={36} />
            <span className="rows-text">
              <span className="rows-name">{person.displayName}</span>
              <span className="rows-sub">
                @{person.handle}
                {person.role === 'member' ? '' : ` · ${t(`role.${person.role}`)}`}
                {person.identity === 'changed' ? <span className="list-warn"> · {t('people.changed')}</span> : null}
                {person.verified ? <span className="verified"> · {t('people.verified')}</span> : null}
              </span>
            </span>
            <IconButton label={t('people.message_name', { name: person.displayName })} icon={<MessageSquare size={18} aria-hidden="true" />} onPress={() => message(person)} />
            {me !== null && mayReset(me, person) ? <IconButton label={t('health.reset_name', { name: person.displayName })} icon={<KeyRound size={18} aria-hidden="true" />} onPress={() => setResetting(person)} /> : null}
            <IconButton label={t('people.verify_name', { name: person.displayName })} icon={<ShieldCheck size={18} aria-hidden="true" />} onPress={() => setComparing(person.userId)} />
          </li>
        ))}
      </ul>
      {resetting === null ? null : <ResetLink userId={resetting.userId} name={resetting.displayName} onClose={() => setResetting(null)} />}
      {comparing === null ? null : <Safety userId={comparing} onClose={() => setComparing(null)} />}
    </Dialog>
  );
}
