import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { AppModel } from '../models/app.ts';
import { isTotp } from '../models/sign-in.ts';
import { CodeField } from './code-field.tsx';
import { useApp, useLoaded, useTask } from './context.tsx';
import { PasswordField } from './password-field.tsx';
import { TaskError } from './task-error.tsx';

/** Comes up over whatever asked for it. */
export function StepUp() {
  const asked = useStore(useApp().stepUp.store, (now) => now.asked);
  return asked ? <Proof /> : null;
}

const askOptions = (actions: AppModel['actions']) => actions.ask('session.stepUpOptions', {});

function Proof() {
  const { t } = useText();
  const { actions, stepUp } = useApp();
  const { value: ways, now } = useLoaded(askOptions);
  const task = useTask();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const proven = (): void => stepUp.settle(true);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const proof = { kind: 'password', password, ...(ways?.code === true ? { code } : {}) } as const;
    task.run(() => actions.ask('session.stepUp', { proof }), proven);
  };
  return (
    <Dialog title={t('stepup.title')} closeLabel={t('close')} onClose={() => stepUp.settle(false)}>
      <div className="stack">
        <p className="door-text">{t('stepup.text')}</p>
        <TaskError now={now} />
        {ways === null && now.state === 'running' ? <Waiting text={t('loading')} /> : null}
        {ways === null || ways.passkey === null ? null : (
          <Button kind="primary" wide busy={task.busy} onPress={() => task.run(() => actions.stepUpWithPasskey(), proven)}>
            <KeyRound size={18} aria-hidden="true" />
            {t('stepup.passkey')}
          </Button>
        )}
        {ways?.passkey !== null && ways?.password === true ? <p className="or">{t('signin.or')}</p> : null}
        {ways?.password === true ? (
          <form className="stack" onSubmit={submit}>
            <PasswordField value={password} onChange={setPassword} autoComplete="current-password" />
            {ways.code ? <CodeField value={code} onChange={setCode} /> : null}
            <Button type="submit" kind={ways.passkey === null ? 'primary' : 'plain'} wide busy={task.busy} disabled={password === '' || (ways.code && !isTotp(code))}>
              {t('stepup.submit')}
            </Button>
          </form>
        ) : null}
        <TaskError now={task.now} />
      </div>
    </Dialog>
  );
}
