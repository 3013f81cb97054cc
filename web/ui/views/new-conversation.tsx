import { type FormEvent, useMemo, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { PersonPicker } from './person-picker.tsx';
import { useText } from '../i18n/text.ts';
import { tidyName } from '../models/account.ts';
import type { UserId } from '../models/app.ts';
import { directConversation, ownId } from '../models/people.ts';
import { useApp, useFreshPeople, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

export function NewConversation({ onClose, onOpen }: { readonly onClose: () => void; readonly onOpen: (id: string) => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const fresh = useFreshPeople();
  const snapshot = useSnapshot((now) => now);
  const others = useMemo(() => snapshot.people.filter((person) => person.userId !== ownId(snapshot)), [snapshot]);
  const [chosen, setChosen] = useState<ReadonlySet<UserId>>(new Set());
  const [title, setTitle] = useState('');
  const [only] = chosen;
  const named = tidyName(title);
  const existing = chosen.size === 1 && only !== undefined && named === '' ? directConversation(snapshot.conversations, only) : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (existing !== undefined) return onOpen(existing.conversationId);
    task.run(() => app.actions.createConversation({ title: named === '' ? null : named, members: [...chosen] }), onOpen);
  };
  return (
    <Dialog title={t('list.new')} closeLabel={t('close')} onClose={onClose}>
      <TaskError now={fresh} />
      {others.length === 0 ? (
        <Note>{t('new.alone')}</Note>
      ) : (
        <form className="stack" onSubmit={submit}>
          <PersonPicker people={others} chosen={chosen} onChange={setChosen} texts={{ filter: t('new.filter'), list: t('new.people'), none: t('new.none') }} />
          <Field label={t('new.title')} value={title} onChange={setTitle} hint={t('new.title_hint')} maxLength={64} autoComplete="off" />
          <TaskError now={task.now} />
          <div className="row-end">
            <span className="row-note" aria-live="polite">
              {t('new.chosen', { count: chosen.size })}
            </span>
            <Button type="submit" kind="primary" busy={task.busy} disabled={chosen.size === 0}>
              {t(existing === undefined ? 'new.start' : 'new.open')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
