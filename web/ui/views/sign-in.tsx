import { Eye, EyeOff, KeyRound, MonitorSmartphone } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button, IconButton } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { deviceLabel } from '../models/account.ts';
import { AskApproval } from './approval.tsx';
import { useApp, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { TaskError } from './task-error.tsx';

export function PasswordField(props: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: 'new-password' | 'current-password';
  readonly hint?: string;
  readonly error?: string | null;
}) {
  const { t } = useText();
  const [shown, setShown] = useState(false);
  return (
    <Field
      label={t('factor.password')}
      type={shown ? 'text' : 'password'}
      name="password"
      autoCapitalize="off"
      spellCheck={false}
      {...props}
      action={
        <IconButton
          label={t(shown ? 'factor.hide' : 'factor.show')}
          icon={shown ? <EyeOff size={18} aria-hidden="true" /> : <Eye size={18} aria-hidden="true" />}
          onPress={() => setShown(!shown)}
        />
      }
    />
  );
}

export function SignIn({ ended }: { readonly ended: boolean }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [way, setWay] = useState<'passkey' | 'password'>('passkey');
  const [handle, setHandle] = useState('');
  const [password, setPassword] = useState('');
  const label = deviceLabel(navigator.userAgent);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setWay('password');
    task.run(() => app.actions.signInWithPassword(handle.trim().toLowerCase(), password, label));
  };
  const passkey = (): void => {
    setWay('passkey');
    task.run(() => app.actions.signInWithPasskey(label));
  };
  return (
    <Door title={t('signin.title')}>
      {ended ? <Note>{t('signin.ended')}</Note> : null}
      <Button kind="primary" wide busy={task.busy && way === 'passkey'} onPress={passkey}>
        <KeyRound size={18} aria-hidden="true" />
        {t('signin.passkey')}
      </Button>
      {way === 'passkey' ? <TaskError now={task.now} /> : null}
      <p className="or">{t('signin.or')}</p>
      <form className="stack" onSubmit={submit}>
        <Field label={t('who.handle')} value={handle} onChange={setHandle} name="username" autoComplete="username" autoCapitalize="off" spellCheck={false} />
        <PasswordField value={password} onChange={setPassword} autoComplete="current-password" />
        {way === 'password' ? <TaskError now={task.now} /> : null}
        <Button type="submit" wide busy={task.busy && way === 'password'} disabled={handle.trim() === '' || password === ''}>
          {t('signin.submit')}
        </Button>
      </form>
      <p className="field-hint">{t('signin.help')}</p>
    </Door>
  );
}

export function Unlock({ name, passkey }: { readonly name: string; readonly passkey: boolean }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const leave = useTask();
  const [code, setCode] = useState('');
  const [asking, setAsking] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.unlockWithRecoveryCode(code));
  };
  if (asking)
    return (
      <Door title={t('approval.title')}>
        <AskApproval onBack={() => setAsking(false)} />
      </Door>
    );
  return (
    <Door title={t('unlock.title')}>
      <p className="door-text">{t('unlock.text', { name })}</p>
      {passkey ? (
        <>
          <Button kind="primary" wide busy={task.busy} onPress={() => task.run(() => app.actions.unlockWithPasskey())}>
            <KeyRound size={18} aria-hidden="true" />
            {t('unlock.passkey')}
          </Button>
          <p className="or">{t('unlock.or')}</p>
        </>
      ) : null}
      <form className="stack" onSubmit={submit}>
        <Field label={t('recovery.code')} value={code} onChange={setCode} hint={t('unlock.hint')} autoComplete="off" autoCapitalize="characters" spellCheck={false} code />
        <TaskError now={task.now} />
        <Button type="submit" kind={passkey ? 'plain' : 'primary'} wide busy={task.busy} disabled={code.trim() === ''}>
          {t('unlock.submit')}
        </Button>
      </form>
      <p className="or">{t('unlock.or')}</p>
      <Button wide onPress={() => setAsking(true)}>
        <MonitorSmartphone size={18} aria-hidden="true" />
        {t('unlock.device')}
      </Button>
      <TaskError now={leave.now} />
      <Button kind="quiet" busy={leave.busy} onPress={() => leave.run(() => app.actions.signOut(false))}>
        {t('settings.sign_out')}
      </Button>
    </Door>
  );
}
