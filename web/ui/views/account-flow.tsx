import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Choice } from '../components/choice.tsx';
import { Field } from '../components/field.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import {
  askedGroups,
  deviceLabel,
  handleError,
  nameError,
  passwordError,
  passwordLength,
  type Step,
  stepCount,
  stepNumber,
  strength,
  suggestHandle,
  tidyName,
} from '../models/account.ts';
import type { EngineErrorCode, Grant } from '../models/app.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { ConfirmStep, RecoveryStep } from './recovery-steps.tsx';
import { PasswordField } from './sign-in.tsx';
import { TaskError } from './task-error.tsx';

const refusals: Partial<Record<EngineErrorCode, string>> = {
  'invite.expired': 'grant.expired',
  'invite.used': 'grant.used',
  'invite.revoked': 'grant.revoked',
  'invite.unknown': 'grant.unknown',
  'input.invalid': 'grant.unknown',
  'setup.token_invalid': 'grant.setup',
  'setup.done': 'grant.done',
};

export function NoGrant({ reason, onSignIn }: { readonly reason: string; readonly onSignIn: () => void }) {
  const { t } = useText();
  const signIn = reason !== 'needs_setup' && reason !== 'grant.setup';
  return (
    <Door title={t(`${reason}.title`)}>
      <p className="door-text">{t(`${reason}.text`)}</p>
      {signIn ? <Button onPress={onSignIn}>{t('signin.title')}</Button> : null}
    </Door>
  );
}

interface Granted {
  readonly invitedBy: string | null;
  readonly expiresAt: number | null;
}

/** Checks the link first: nobody fills in a form for an invitation that is no longer good. */
export function AccountFlow({ grant, lengthMin, onSignIn }: { readonly grant: Grant; readonly lengthMin: number; readonly onSignIn: () => void }) {
  const { t } = useText();
  const app = useApp();
  const { run, now } = useTask();
  const [granted, setGranted] = useState<Granted | null>(null);
  useEffect(() => run(() => app.actions.checkGrant(grant), setGranted), [app, grant, run]);
  const title = t(grant.kind === 'setup' ? 'setup.title' : 'join.title');
  if (now.state === 'failed') {
    const reason = refusals[now.code];
    if (reason !== undefined) return <NoGrant reason={reason} onSignIn={onSignIn} />;
    return (
      <Door title={title}>
        <TaskError now={now} />
        <Button onPress={() => run(() => app.actions.checkGrant(grant), setGranted)}>{t('retry')}</Button>
      </Door>
    );
  }
  if (granted === null) {
    return (
      <Door title={title}>
        <Waiting text={t('grant.checking')} />
      </Door>
    );
  }
  return <Steps grant={grant} granted={granted} lengthMin={lengthMin} />;
}

function Steps({ grant, granted, lengthMin }: { readonly grant: Grant; readonly granted: Granted; readonly lengthMin: number }) {
  const { t } = useText();
  const app = useApp();
  const prepare = useTask();
  const finish = useTask();
  const [step, setStep] = useState<Step>({ at: 'who' });
  const [name, setName] = useState('');
  const [handle, setHandle] = useState('');
  const start = (factor: { kind: 'passkey' } | { kind: 'password'; password: string }): void =>
    prepare.run(
      () => app.actions.prepareAccount({ grant, handle, displayName: tidyName(name), factor, deviceLabel: deviceLabel(navigator.userAgent) }),
      (codes) => setStep({ at: 'recovery', codes }),
    );
  const confirm = (): void => {
    if (step.at !== 'recovery') return;
    const pick = (bound: number): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % bound;
    setStep({ at: 'confirm', codes: step.codes, asked: askedGroups(step.codes.code, pick) });
  };
  const titles = { who: 'who.title', notice: 'notice.title', factor: 'factor.title', recovery: 'recovery.title', confirm: 'confirm.title' } as const;
  return (
    <Door title={t(titles[step.at])} step={t('step', { at: stepNumber[step.at], count: stepCount })}>
      {step.at === 'who' ? (
        <WhoStep grant={grant} granted={granted} name={name} handle={handle} onName={setName} onHandle={setHandle} onDone={() => setStep({ at: 'notice' })} />
      ) : null}
      {step.at === 'notice' ? <NoticeStep onBack={() => setStep({ at: 'who' })} onDone={() => setStep({ at: 'factor' })} /> : null}
      {step.at === 'factor' ? (
        <>
          <FactorStep lengthMin={lengthMin} busy={prepare.busy} onBack={() => setStep({ at: 'notice' })} onDone={start} handle={handle} />
          <TaskError now={prepare.now} />
        </>
      ) : null}
      {step.at === 'recovery' ? <RecoveryStep codes={step.codes} handle={handle} onDone={confirm} /> : null}
      {step.at === 'confirm' ? (
        <ConfirmStep
          codes={step.codes}
          asked={step.asked}
          busy={finish.busy}
          onLook={() => setStep({ at: 'recovery', codes: step.codes })}
          onDone={() => finish.run(() => app.actions.finishAccount())}
        />
      ) : null}
      <TaskError now={finish.now} />
    </Door>
  );
}

function WhoStep(props: {
  readonly grant: Grant;
  readonly granted: Granted;
  readonly name: string;
  readonly handle: string;
  readonly onName: (name: string) => void;
  readonly onHandle: (handle: string) => void;
  readonly onDone: () => void;
}) {
  const { t, locale } = useText();
  const [tried, setTried] = useState(false);
  // The suggestion follows the name until the person writes a handle of their own.
  const [own, setOwn] = useState(props.handle !== suggestHandle(props.name));
  const changeName = (name: string): void => {
    props.onName(name);
    if (!own) props.onHandle(suggestHandle(name));
  };
  const nameProblem = tried ? nameError(props.name) : null;
  const handleProblem = tried ? handleError(props.handle) : null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (nameError(props.name) === null && handleError(props.handle) === null) props.onDone();
  };
  const { invitedBy, expiresAt } = props.granted;
  const intro = props.grant.kind === 'setup' ? t('setup.intro') : invitedBy === null ? t('join.intro_plain') : t('join.intro', { name: invitedBy });
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <p className="door-text">
        {intro} {expiresAt === null || props.grant.kind === 'setup' ? null : t('join.expires', { when: dateTime(expiresAt, locale) })}
      </p>
      <Field
        label={t('who.name')}
        value={props.name}
        onChange={changeName}
        hint={t('who.name_hint')}
        error={nameProblem === null ? null : t(nameProblem)}
        name="name"
        autoComplete="name"
        autoFocus
      />
      <Field
        label={t('who.handle')}
        value={props.handle}
        onChange={(handle) => {
          setOwn(handle !== '');
          props.onHandle(handle.toLowerCase());
        }}
        hint={t('who.handle_hint')}
        error={handleProblem === null ? null : t(handleProblem)}
        prefix="@"
        name="username"
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
      />
      <Button type="submit" kind="primary" wide>
        {t('next')}
      </Button>
    </form>
  );
}

function NoticeStep({ onBack, onDone }: { readonly onBack: () => void; readonly onDone: () => void }) {
  const { t } = useText();
  return (
    <div className="stack">
      <section>
        <h2 className="notice-head notice-ok">{t('notice.cannot')}</h2>
        <ul className="notice-list">
          <li>{t('notice.cannot_1')}</li>
          <li>{t('notice.cannot_2')}</li>
        </ul>
        <h2 className="notice-head">{t('notice.can')}</h2>
        <ul className="notice-list">
          <li>{t('notice.can_1')}</li>
          <li>{t('notice.can_sign_in')}</li>
          <li>{t('notice.can_2')}</li>
        </ul>
        <h2 className="notice-head">{t('notice.passing')}</h2>
        <ul className="notice-list">
          <li>{t('notice.passing_1')}</li>
        </ul>
      </section>
      <div className="notice-small">
        <p>{t('notice.purpose')}</p>
        <p>{t('notice.retention')}</p>
        <p>{t('notice.rights')}</p>
      </div>
      <div className="row-end">
        <Button kind="quiet" onPress={onBack}>
          {t('back')}
        </Button>
        <Button kind="primary" onPress={onDone}>
          {t('next')}
        </Button>
      </div>
    </div>
  );
}

function FactorStep(props: {
  readonly lengthMin: number;
  readonly busy: boolean;
  readonly handle: string;
  readonly onBack: () => void;
  readonly onDone: (factor: { kind: 'passkey' } | { kind: 'password'; password: string }) => void;
}) {
  const { t } = useText();
  const [kind, setKind] = useState<'passkey' | 'password'>('passkey');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const problem = passwordError(password, props.lengthMin);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (kind === 'passkey') return props.onDone({ kind });
    setTried(true);
    if (problem === null) props.onDone({ kind, password });
  };
  const long = strength(password, props.lengthMin);
  const missing = props.lengthMin - passwordLength(password);
  const hint = password === '' ? t('factor.password_hint', { count: props.lengthMin }) : t(`strength.${long}`, { count: missing });
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <Choice
        label={t('factor.title')}
        hideLabel
        cards
        value={kind}
        onChange={setKind}
        options={[
          { value: 'passkey', label: t('factor.passkey'), hint: t('factor.passkey_hint'), badge: t('factor.recommended') },
          { value: 'password', label: t('factor.password'), hint: t('factor.password_hint', { count: props.lengthMin }) },
        ]}
      />
      {kind === 'password' ? (
        <>
          <input type="text" name="username" autoComplete="username" value={props.handle} readOnly hidden />
          <PasswordField
            value={password}
            onChange={setPassword}
            autoComplete="new-password"
            hint={hint}
            error={tried && problem !== null ? t(problem, { count: props.lengthMin }) : null}
          />
          <meter className={`strength strength-${long}`} aria-hidden="true" min={0} max={28} value={Math.min(28, passwordLength(password))} />
        </>
      ) : null}
      <div className="row-end">
        <Button kind="quiet" onPress={props.onBack}>
          {t('back')}
        </Button>
        <Button type="submit" kind="primary" busy={props.busy}>
          {t(kind === 'passkey' ? 'factor.make_passkey' : 'next')}
        </Button>
      </div>
    </form>
  );
}

