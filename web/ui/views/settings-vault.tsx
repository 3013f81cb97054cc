import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';
import { askedGroups, type KeptCodes, keptCodes } from '../models/account.ts';
import type { Me, VaultView } from '../models/app.ts';
import { dayLabel } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { ConfirmStep, RecoveryStep } from './recovery-steps.tsx';
import { TaskError } from './task-error.tsx';

type Unlocker = VaultView['unlockers'][number];
/** Which codes a new one takes the place of; null: no new one is being made. */
type Issuing = { readonly replaces: readonly Unlocker['unlockerId'][] } | null;

/** What opens one's history where no device does. */
export function VaultSettings({ me }: { readonly me: Me }) {
  const { t } = useText();
  const vault = useSnapshot((now) => now.vault);
  const [issuing, setIssuing] = useState<Issuing>(null);
  if (vault === null) return <p className="field-hint">{t('vault.offline')}</p>;
  if (vault.closed) return <Reopen />;
  if (issuing !== null) return <Issue me={me} replaces={issuing.replaces} onDone={() => setIssuing(null)} />;
  return (
    <section className="stack" aria-labelledby="vault-title">
      <div>
        <h3 className="field-label" id="vault-title">
          {t('vault.title')}
        </h3>
        <p className="field-hint">{t('vault.text')}</p>
      </div>
      {vault.rekeyDue ? <p className="note note-danger">{t('vault.due')}</p> : null}
      {vault.unlockers.length < 2 ? <p className="note note-danger">{t('vault.few')}</p> : null}
      <Unlockers vault={vault} onIssue={(replaces) => setIssuing({ replaces })} />
    </section>
  );
}

function Unlockers({ vault, onIssue }: { readonly vault: VaultView; readonly onIssue: (replaces: readonly Unlocker['unlockerId'][]) => void }) {
  const { t, locale } = useText();
  const app = useApp();
  const task = useTask();
  const [openedAt] = useState(() => Date.now());
  return (
    <>
      <TaskError now={task.now} />
      <ul className="rows rows-lined">
        {vault.unlockers.map(({ unlockerId, kind, createdAt }) => {
          const made = t('vault.made', { when: dayLabel(createdAt, openedAt, locale) });
          const name = `${t(`vault.kind.${kind}`)}, ${made}`;
          return (
            <li key={unlockerId} className="rows-row device-row">
              <span className="rows-text">
                <span className="rows-name">{t(`vault.kind.${kind}`)}</span>
                <span className="rows-sub">{made}</span>
              </span>
              {kind === 'recovery-code' ? (
                <Button kind="quiet" label={t('vault.reissue_name', { name })} onPress={() => onIssue([unlockerId])}>
                  {t('vault.reissue')}
                </Button>
              ) : null}
              {vault.unlockers.length > 2 ? (
                <Button kind="quiet" label={t('vault.remove_name', { name })} onPress={() => task.run(() => app.actions.removeUnlocker(unlockerId))}>
                  {t('devices.remove')}
                </Button>
              ) : null}
            </li>
          );
        })}
      </ul>
      {vault.unlockers.length > 2 ? null : <p className="field-hint">{t('vault.two')}</p>}
      <div className="row">
        <Button busy={task.busy} onPress={() => task.run(() => app.actions.addPasskeyUnlocker())}>
          {t('vault.add_passkey')}
        </Button>
        <Button onPress={() => onIssue([])}>{t('vault.add_code')}</Button>
      </div>
    </>
  );
}

/** A code is shown, kept and confirmed before anything changes. */
function Issue({ me, replaces, onDone }: { readonly me: Me; readonly replaces: readonly Unlocker['unlockerId'][]; readonly onDone: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [kept, setKept] = useState<KeptCodes | null>(null);
  const [confirming, setConfirming] = useState(false);
  const pick = (bound: number): number => Math.floor(Math.random() * bound);
  if (kept === null)
    return (
      <div className="stack">
        <p className="door-text">{t(replaces.length > 0 ? 'vault.issue_replaces' : 'vault.issue_adds')}</p>
        <TaskError now={task.now} />
        <div className="row">
          <Button kind="primary" busy={task.busy} onPress={() => task.run(() => app.actions.prepareRecoveryCode(), (code) => setKept(keptCodes(null, { code, spare: null }, pick)))}>
            {t('vault.issue')}
          </Button>
          <Button kind="quiet" onPress={onDone}>
            {t('cancel')}
          </Button>
        </div>
      </div>
    );
  if (!confirming) return <RecoveryStep codes={kept.codes} handle={me.handle} onBack={onDone} onDone={() => setConfirming(true)} />;
  return (
    <div className="stack">
      <TaskError now={task.now} />
      <ConfirmStep
        kept={kept}
        busy={task.busy}
        submit={t('vault.issue_done')}
        onTyped={(typed) => setKept({ ...kept, typed })}
        onLook={() => (setKept({ ...kept, asked: askedGroups(kept.codes.code, pick) }), setConfirming(false))}
        onDone={() => task.run(() => app.actions.keepRecoveryCode(replaces), onDone)}
      />
    </div>
  );
}

function Reopen() {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [code, setCode] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.reopenVault(code));
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p className="note">{t('vault.closed')}</p>
      <Field label={t('recovery.code')} value={code} onChange={setCode} hint={t('unlock.hint')} autoComplete="off" autoCapitalize="characters" spellCheck={false} code />
      <TaskError now={task.now} />
      <div>
        <Button type="submit" kind="primary" busy={task.busy} disabled={code.trim() === ''}>
          {t('vault.reopen')}
        </Button>
      </div>
    </form>
  );
}
