import { useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { AppModel, EngineSnapshot } from '../models/app.ts';
import { useApp, useLoaded, useSnapshot, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { Passkeys } from './settings-passkeys.tsx';
import { ChangePassword } from './settings-password.tsx';
import { NewCodes, SecondStep } from './settings-second-step.tsx';
import { StepUp } from './step-up.tsx';
import { TaskError } from './task-error.tsx';

/** One thing comes first, as the administrators of the server ask ([A17]). `done`: the server asks for it no more. */
export function Restricted({ must, done, onDone }: { readonly must: NonNullable<EngineSnapshot['must']>; readonly done: boolean; readonly onDone: () => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const leaving = useTask();
  const handle = useSnapshot(({ account }) => (account.state === 'ready' ? account.me.handle : account.state === 'vault-locked' ? account.handle : ''));
  // Shown once: what comes next waits until they are kept.
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  useEffect(() => {
    if (done && codes === null) onDone();
  }, [done, codes, onDone]);
  return (
    <Door title={t(`restricted.${must}`)}>
      <p className="door-text">{t(`restricted.${must}_text`)}</p>
      {must === 'change_password' ? <ChangePassword handle={handle} onChanged={() => undefined} /> : <AddSecondStep onCodes={setCodes} />}
      <TaskError now={leaving.now} />
      <Button kind="quiet" busy={leaving.busy} onPress={() => leaving.run(() => actions.signOut(false))}>
        {t('settings.sign_out')}
      </Button>
      {codes === null ? null : <NewCodes codes={codes} handle={handle} onClose={() => setCodes(null)} />}
      <StepUp />
    </Door>
  );
}

const askFactors = (actions: AppModel['actions']) => actions.ask('factor.list', {});

function AddSecondStep({ onCodes }: { readonly onCodes: (codes: readonly string[] | null) => void }) {
  const { t } = useText();
  const { value: factors, now } = useLoaded(askFactors);
  if (factors === null) return now.state === 'failed' ? <TaskError now={now} /> : <Waiting text={t('loading')} />;
  return (
    <div className="stack stack-wide">
      <SecondStep factors={factors} onChanged={onCodes} />
      <Passkeys passkeys={factors.passkeys} onChanged={onCodes} />
    </div>
  );
}
