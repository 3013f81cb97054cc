import { useState } from 'react';
import { Button } from '../components/button.tsx';
import { useText } from '../i18n/text.ts';
import { askedGroups, type KeptCodes, keptCodes } from '../models/account.ts';
import { useApp, useTask } from './context.tsx';
import { Door } from './door.tsx';
import { ConfirmStep, RecoveryStep } from './recovery-steps.tsx';
import { TaskError } from './task-error.tsx';

const pick = (bound: number): number => Math.floor(Math.random() * bound);

/** For somebody who has no device and no unlocker any more: says what is lost before anything is done. */
export function Anew({ handle, onBack }: { readonly handle: string; readonly onBack: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [kept, setKept] = useState<KeptCodes | null>(null);
  const [confirming, setConfirming] = useState(false);
  const prepare = (): void => task.run(() => app.actions.prepareAnew(), (codes) => setKept(keptCodes(kept, codes, pick)));
  if (kept === null)
    return (
      <Door title={t('anew.title')}>
        <p className="door-text">{t('anew.text')}</p>
        <ul className="notice-list">
          <li>{t('anew.history')}</li>
          <li>{t('anew.conversations')}</li>
          <li>{t('anew.colleagues')}</li>
          <li>{t('anew.devices')}</li>
        </ul>
        <TaskError now={task.now} />
        <Button kind="danger" wide busy={task.busy} onPress={prepare}>
          {t('anew.go_on')}
        </Button>
        <Button kind="quiet" onPress={onBack}>
          {t('back')}
        </Button>
      </Door>
    );
  if (!confirming)
    return (
      <Door title={t('anew.codes')}>
        <RecoveryStep codes={kept.codes} handle={handle} onBack={onBack} onDone={() => setConfirming(true)} />
      </Door>
    );
  return (
    <Door title={t('anew.codes')}>
      <TaskError now={task.now} />
      <ConfirmStep
        kept={kept}
        busy={task.busy}
        submit={t('anew.finish')}
        onTyped={(typed) => setKept({ ...kept, typed })}
        onLook={() => (setKept({ ...kept, asked: askedGroups(kept.codes.code, pick) }), setConfirming(false))}
        onDone={() => task.run(() => app.actions.finishAnew())}
      />
    </Door>
  );
}
