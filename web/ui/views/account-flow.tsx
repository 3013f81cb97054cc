import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Choice } from '../components/choice.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import {
  deviceLabel,
  type Factor,
  keptCodes,
  type KeptCodes,
  passwordError,
  type Step,
  stepAfter,
  stepCount,
  stepNumber,
  tidyName,
} from '../models/account.ts';
import type { EngineErrorCode, Grant } from '../models/app.ts';
import { useApp, usePreferences, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { ConfirmStep, RecoveryStep } from './recovery-steps.tsx';
import { NewPassword } from './new-password.tsx';
import { TaskError } from './task-error.tsx';
import { type Granted, WhoStep } from './who-step.tsx';

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

/** What is typed and shown stays through every step back: written-down codes above all. */
function Steps({ grant, granted, lengthMin }: { readonly grant: Grant; readonly granted: Granted; readonly lengthMin: number }) {
  const { t } = useText();
  const app = useApp();
  const prepare = useTask();
  const finish = useTask();
  const preferences = usePreferences();
  const [step, setStep] = useState<Step>('who');
  const [name, setName] = useState('');
  const [handle, setHandle] = useState('');
  const [taken, setTaken] = useState<string | null>(null);
  const [factor, setFactor] = useState<Factor>({ kind: 'passkey', password: '' });
  const [kept, setKept] = useState<KeptCodes | null>(null);
  const refused = (code: EngineErrorCode): void => {
    if (code === 'handle.taken') {
      prepare.clear();
      finish.clear();
      setTaken(handle);
    }
    setStep(stepAfter(code) ?? step);
  };
  const start = (): void => {
    finish.clear();
    const chosen = factor.kind === 'passkey' ? { kind: factor.kind } : { kind: factor.kind, password: factor.password };
    prepare.run(
      () => app.actions.prepareAccount({ grant, handle, displayName: tidyName(name), factor: chosen, deviceLabel: deviceLabel(navigator.userAgent) }),
      (codes) => {
        const next = keptCodes(kept, codes, (bound) => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % bound);
        setKept(next);
        setStep(next.confirmed ? 'confirm' : 'recovery');
      },
      refused,
    );
  };
  // Whoever had come to the end already goes on from there; only a passkey must be made anew for another handle.
  const named = (): void => {
    if (kept?.confirmed !== true) setStep('notice');
    else if (factor.kind === 'passkey') setStep('factor');
    else start();
  };
  return (
    <Door title={t(`${step}.title`)} step={t('step', { at: stepNumber[step], count: stepCount })}>
      {step === 'who' ? (
        <WhoStep {...{ grant, granted, name, handle, taken }} codesShown={kept !== null} busy={prepare.busy} onName={setName} onHandle={setHandle} onTaken={setTaken} onDone={named} />
      ) : null}
      {step === 'notice' ? <NoticeStep retention={granted.retention} onBack={() => setStep('who')} onDone={() => setStep('factor')} /> : null}
      {step === 'factor' ? (
        <FactorStep {...{ lengthMin, handle, factor }} busy={prepare.busy} onFactor={setFactor} onBack={() => setStep('notice')} onDone={start} />
      ) : null}
      {step === 'recovery' && kept !== null ? (
        <RecoveryStep codes={kept.codes} handle={handle} onBack={() => setStep('factor')} onDone={() => setStep('confirm')} />
      ) : null}
      {step === 'confirm' && kept !== null ? (
        <ConfirmStep
          kept={kept}
          busy={finish.busy}
          onTyped={(typed) => setKept({ ...kept, typed })}
          onLook={() => setStep('recovery')}
          onDone={() => {
            setKept({ ...kept, confirmed: true });
            finish.run(() => app.actions.finishAccount(), () => preferences.setState({ recoveryKeptAt: Date.now() }), refused);
          }}
        />
      ) : null}
      {step === 'who' || step === 'factor' ? <TaskError now={prepare.now} /> : null}
      {step === 'factor' || step === 'confirm' ? <TaskError now={finish.now} /> : null}
    </Door>
  );
}

function NoticeStep({ retention, onBack, onDone }: { readonly retention: Granted['retention']; readonly onBack: () => void; readonly onDone: () => void }) {
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
        {retention.length === 0 ? null : (
          <ul className="notice-list">
            {retention.map((rule) => (
              <li key={rule.class}>{t(`notice.kept.${rule.class}`, { days: rule.days })}</li>
            ))}
          </ul>
        )}
        <p>{t(retention.length === 0 ? 'notice.kept.all' : 'notice.kept.rest')}</p>
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
  readonly factor: Factor;
  readonly onFactor: (factor: Factor) => void;
  readonly onBack: () => void;
  readonly onDone: () => void;
}) {
  const { t } = useText();
  const { kind, password } = props.factor;
  const form = useRef<HTMLFormElement>(null);
  const [tried, setTried] = useState(false);
  const problem = kind === 'passkey' ? null : passwordError(password, props.lengthMin);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (problem === null) props.onDone();
    else markWrong(form.current, () => setTried(true));
  };
  return (
    <form className="stack" onSubmit={submit} noValidate ref={form}>
      <Choice
        label={t('factor.title')}
        hideLabel
        cards
        value={kind}
        onChange={(next) => props.onFactor({ kind: next, password })}
        options={[
          { value: 'passkey', label: t('factor.passkey'), hint: t('factor.passkey_hint'), badge: t('factor.recommended') },
          { value: 'password', label: t('factor.password'), hint: t('factor.password_hint', { count: props.lengthMin }) },
        ]}
      />
      {kind === 'password' ? (
        <NewPassword handle={props.handle} value={password} onChange={(next) => props.onFactor({ kind, password: next })} lengthMin={props.lengthMin} tried={tried} />
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

