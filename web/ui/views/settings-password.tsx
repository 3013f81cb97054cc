import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { Note } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { passwordError } from '../models/account.ts';
import type { AppModel } from '../models/app.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useLoaded, useTask } from './context.tsx';
import { NewPassword } from './new-password.tsx';
import { TaskError } from './task-error.tsx';

const askRules = (actions: AppModel['actions']) => actions.ask('signInPolicy.mine', {});

/** `setAt`: null for whoever has none. */
export function PasswordSettings({ handle, setAt, onChanged }: { readonly handle: string; readonly setAt: number | null; readonly onChanged: () => void }) {
  const { t, locale } = useText();
  const [state, setState] = useState<'shown' | 'changing' | 'changed'>('shown');
  const changed = (): void => {
    setState('changed');
    onChanged();
  };
  return (
    <section className="stack" aria-labelledby="password-title">
      <div>
        <h3 className="field-label" id="password-title">
          {t('factor.password')}
        </h3>
        <p className="field-hint">{setAt === null ? t('password.none') : t('password.set_at', { when: dateTime(setAt, locale) })}</p>
      </div>
      {state === 'changed' ? <Note>{t('password.changed')}</Note> : null}
      {state === 'changing' ? (
        <ChangePassword handle={handle} onChanged={changed} onCancel={() => setState('shown')} />
      ) : (
        <div>
          <Button onPress={() => setState('changing')}>{t(setAt === null ? 'password.add' : 'password.change')}</Button>
        </div>
      )}
    </section>
  );
}

/** `onCancel`: left out where there is nothing to go back to. */
export function ChangePassword({ handle, onChanged, onCancel }: { readonly handle: string; readonly onChanged: () => void; readonly onCancel?: () => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const { value: rules, now } = useLoaded(askRules);
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  if (rules === null) return <TaskError now={now} />;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (passwordError(password, rules.lengthMin) !== null) return markWrong(form.current, () => setTried(true));
    task.run(() => actions.ask('password.change', { password }), onChanged);
  };
  return (
    <form className="stack" onSubmit={submit} noValidate ref={form}>
      <NewPassword handle={handle} value={password} onChange={setPassword} lengthMin={rules.lengthMin} tried={tried} />
      <TaskError now={task.now} />
      <p className="field-hint">{t('password.others_end')}</p>
      <div className="row">
        <Button type="submit" kind="primary" busy={task.busy}>
          {t('password.save')}
        </Button>
        {onCancel === undefined ? null : (
          <Button kind="quiet" onPress={onCancel}>
            {t('cancel')}
          </Button>
        )}
      </div>
    </form>
  );
}
