import { KeyRound, MonitorSmartphone } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { Note } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { deviceLabel } from '../models/account.ts';
import { signInByPassword, type SecondStep } from '../models/sign-in.ts';
import { Anew } from './anew.tsx';
import { AskApproval } from './approval.tsx';
import { useApp, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { PasswordField } from './password-field.tsx';
import { SecondStepDoor } from './second-step.tsx';
import { TaskError } from './task-error.tsx';

export function SignIn({ ended }: { readonly ended: boolean }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [way, setWay] = useState<'passkey' | 'password'>('passkey');
  const [handle, setHandle] = useState('');
  const [password, setPassword] = useState('');
  const [second, setSecond] = useState<readonly SecondStep[] | null>(null);
  const [again, setAgain] = useState(false);
  const label = deviceLabel(navigator.userAgent);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setWay('password');
    task.run(() => signInByPassword(app.actions, handle, password, label), setSecond);
  };
  const passkey = (): void => {
    setWay('passkey');
    task.run(() => app.actions.signInWithPasskey(label));
  };
  const leaveSecond = (expired: boolean): void => {
    setPassword('');
    setAgain(expired);
    setSecond(null);
  };
  if (second !== null) return <SecondStepDoor ways={second} onBack={leaveSecond} />;
  return (
    <Door title={t('signin.title')}>
      {again ? <Note>{t('signin.again')}</Note> : null}
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

export function Unlock({ name, handle, passkey }: { readonly name: string; readonly handle: string; readonly passkey: boolean }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const leave = useTask();
  const [code, setCode] = useState('');
  const [way, setWay] = useState<'unlock' | 'device' | 'anew'>('unlock');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.unlockWithRecoveryCode(code));
  };
  if (way === 'anew') return <Anew handle={handle} onBack={() => setWay('unlock')} />;
  if (way === 'device')
    return (
      <Door title={t('approval.title')}>
        <AskApproval onBack={() => setWay('unlock')} />
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
      <Button wide onPress={() => setWay('device')}>
        <MonitorSmartphone size={18} aria-hidden="true" />
        {t('unlock.device')}
      </Button>
      <Button kind="quiet" onPress={() => setWay('anew')}>
        {t('unlock.none')}
      </Button>
      <TaskError now={leave.now} />
      <Button kind="quiet" busy={leave.busy} onPress={() => leave.run(() => app.actions.signOut(false))}>
        {t('settings.sign_out')}
      </Button>
    </Door>
  );
}
