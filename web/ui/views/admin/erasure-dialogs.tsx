import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { markWrong } from '../../components/first-wrong.ts';
import { Select } from '../../components/select.tsx';
import { useText } from '../../i18n/text.ts';
import { type Asked, erasable, type ErasureScope, handleTyped } from '../../models/admin/erasure.ts';
import { useSnapshot, useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { useDesk } from './desk-context.tsx';

const scopes = ['all', 'account'] as const;

/** First step: who, how much and why. Nothing changes by it. */
export function ErasureAsk({ onClose, onAsked }: { readonly onClose: () => void; readonly onAsked: (asked: Asked) => void }) {
  const { t } = useText();
  const { desk, me } = useDesk();
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const people = erasable(useSnapshot((now) => now.people), me);
  const [who, setWho] = useState(people[0]?.userId ?? null);
  const [scope, setScope] = useState<ErasureScope>('all');
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState(false);
  const text = reason.trim();
  const person = people.find(({ userId }) => userId === who) ?? people[0];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (person === undefined) return;
    if (text === '') return markWrong(form.current, () => setWrong(true));
    const { userId, displayName: name, handle } = person;
    task.run(() => desk.requestErasure(userId, text, scope), ({ requestId, confirmBy }) => onAsked({ requestId, confirmBy, userId, name, handle }));
  };
  return (
    <Dialog title={t('erasure.person')} closeLabel={t('close')} onClose={onClose}>
      {person === undefined ? (
        <p>{t('erasure.nobody')}</p>
      ) : (
        <form className="stack" ref={form} onSubmit={submit} noValidate>
          <Select label={t('erasure.who')} value={person.userId} onChange={setWho} options={people.map(({ userId, displayName, handle }) => ({ value: userId, label: `${displayName} (@${handle})` }))} />
          <Choice cards label={t('erasure.scope')} value={scope} onChange={setScope} options={scopes.map((value) => ({ value, label: t(`erasure.scope.${value}`), hint: t(`erasure.scope.${value}_hint`) }))} />
          <Field label={t('erasure.reason')} value={reason} onChange={setReason} maxLength={280} autoComplete="off" hint={t('erasure.reason_hint')} error={wrong && text === '' ? t('erasure.reason_empty') : null} />
          <TaskError now={task.now} />
          <div className="row-end">
            <Button kind="quiet" onPress={onClose}>
              {t('cancel')}
            </Button>
            <Button kind="primary" type="submit" busy={task.busy}>
              {t('erasure.ask')}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** Second step. A request is good for one try, so a wrong handle is told before it is sent. */
export function ErasureConfirm({ asked, onClose, onErased, onSpent }: { readonly asked: Asked; readonly onClose: () => void; readonly onErased: (asked: Asked) => void; readonly onSpent: (asked: Asked) => void }) {
  const { t } = useText();
  const { desk } = useDesk();
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);
  const handle = handleTyped(typed);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (handle !== asked.handle) return markWrong(form.current, () => setWrong(true));
    task.run(
      () => desk.confirmErasure(asked.requestId, handle),
      () => onErased(asked),
      (code) => (code === 'network.unreachable' ? undefined : onSpent(asked)),
    );
  };
  return (
    <Dialog title={t('erasure.confirm_title', { name: asked.name })} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        <p>{t('erasure.confirm_text', { handle: asked.handle })}</p>
        <Field
          label={t('erasure.handle')}
          prefix="@"
          value={typed}
          onChange={(value) => {
            setTyped(value);
            setWrong(false);
          }}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          error={wrong ? t('erasure.handle_wrong', { handle: asked.handle }) : null}
        />
        <TaskError now={task.now} />
        <div className="row-end">
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind="danger" type="submit" busy={task.busy}>
            {t('erasure.yes')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
