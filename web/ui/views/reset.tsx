import { type FormEvent, useCallback, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { passwordError } from '../models/account.ts';
import type { AppModel } from '../models/app.ts';
import { useApp, useLoaded, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { NewPassword } from './new-password.tsx';
import { TaskError } from './task-error.tsx';

/** Behind a link of an administrator: a new password, and then the ordinary sign-in with all that it asks for. */
export function ResetPassword({ token, onDone }: { readonly token: string; readonly onDone: () => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const { value: who, now } = useLoaded(useCallback((ask: AppModel['actions']) => ask.ask('passwordReset.check', { token }), [token]));
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const [done, setDone] = useState(false);
  if (done)
    return (
      <Door title={t('reset.done')}>
        <p className="door-text">{t('reset.done_text')}</p>
        <Button kind="primary" wide autoFocus onPress={onDone}>
          {t('signin.submit')}
        </Button>
      </Door>
    );
  if (who === null)
    return (
      <Door title={t('reset.title')}>
        {now.state === 'failed' ? (
          <>
            <TaskError now={now} />
            <Button onPress={onDone}>{t('signin.title')}</Button>
          </>
        ) : (
          <Waiting text={t('loading')} />
        )}
      </Door>
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (passwordError(password, who.lengthMin) !== null) return markWrong(form.current, () => setTried(true));
    task.run(
      () => actions.ask('passwordReset.finish', { token, password }),
      () => setDone(true),
    );
  };
  return (
    <Door title={t('reset.title')}>
      <p className="door-text">{t('reset.text', { name: who.displayName, handle: `@${who.handle}` })}</p>
      {who.secondStep ? <p className="field-hint">{t('reset.second')}</p> : null}
      <form className="stack" onSubmit={submit} noValidate ref={form}>
        <NewPassword handle={who.handle} value={password} onChange={setPassword} lengthMin={who.lengthMin} tried={tried} />
        <TaskError now={task.now} />
        <Button type="submit" kind="primary" wide busy={task.busy}>
          {t('password.save')}
        </Button>
      </form>
    </Door>
  );
}
