import { Download, Printer } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import { codesSheet, type FactorsView, type TotpBegun } from '../models/factors.ts';
import { inFours, isTotp } from '../models/sign-in.ts';
import { dateTime } from '../models/time.ts';
import { CodeField } from './code-field.tsx';
import { useApp, useTask } from './context.tsx';
import { saveFile } from './save-file.ts';
import { TaskError } from './task-error.tsx';

/** The authenticator app behind the password, and the recovery codes for when it is lost. */
export function SecondStep({ factors, onChanged }: { readonly factors: FactorsView; readonly onChanged: (codes: readonly string[] | null) => void }) {
  const { t, locale } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [begun, setBegun] = useState<TotpBegun | null>(null);
  const [removing, setRemoving] = useState(false);
  const { totp, recoveryCodes } = factors;
  const done = (codes: readonly string[] | null): void => {
    setBegun(null);
    onChanged(codes);
  };
  const remove = (): void =>
    task.run(
      () => actions.ask('totp.remove', {}),
      () => {
        setRemoving(false);
        onChanged(null);
      },
    );
  return (
    <section className="stack" aria-labelledby="totp-title">
      <div>
        <h3 className="field-label" id="totp-title">
          {t('totp.title')}
        </h3>
        <p className="field-hint">{t('totp.text')}</p>
      </div>
      <TaskError now={task.now} />
      {totp === null ? (
        <div>
          <Button busy={task.busy} onPress={() => task.run(() => actions.ask('totp.begin', {}), setBegun)}>
            {t('totp.begin')}
          </Button>
        </div>
      ) : (
        <>
          <p className="door-text">{t('totp.on', { when: dateTime(totp.createdAt, locale) })}</p>
          <div className="row">
            {removing ? (
              <>
                <Button kind="danger" busy={task.busy} onPress={remove}>
                  {t('totp.remove_confirm')}
                </Button>
                <Button kind="quiet" autoFocus onPress={() => setRemoving(false)}>
                  {t('cancel')}
                </Button>
              </>
            ) : (
              <>
                <Button busy={task.busy} onPress={() => task.run(() => actions.ask('totp.begin', {}), setBegun)}>
                  {t('totp.again')}
                </Button>
                <Button kind="quiet" onPress={() => setRemoving(true)}>
                  {t('totp.remove')}
                </Button>
              </>
            )}
          </div>
        </>
      )}
      {recoveryCodes === null ? null : <CodesLeft left={recoveryCodes.left} onMade={onChanged} />}
      {begun === null ? null : <TotpSetUp begun={begun} onDone={done} onClose={() => setBegun(null)} />}
    </section>
  );
}

function CodesLeft({ left, onMade }: { readonly left: number; readonly onMade: (codes: readonly string[]) => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const task = useTask();
  return (
    <div className="stack">
      <p className={left < 3 ? 'note' : 'door-text'}>{t('codes.left', { left })}</p>
      <TaskError now={task.now} />
      <div>
        <Button busy={task.busy} onPress={() => task.run(() => actions.ask('recoveryCodes.remake', {}), (made) => onMade(made.recoveryCodes))}>
          {t('codes.remake')}
        </Button>
      </div>
    </div>
  );
}

function TotpSetUp({ begun, onDone, onClose }: { readonly begun: TotpBegun; readonly onDone: (codes: readonly string[] | null) => void; readonly onClose: () => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [code, setCode] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => actions.ask('totp.confirm', { ceremonyId: begun.ceremonyId, code }), (made) => onDone(made.recoveryCodes));
  };
  return (
    <Dialog title={t('totp.begin')} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p className="door-text">{t('totp.scan')}</p>
        <Qr data={begun.uri} label={t('totp.qr')} />
        <div>
          <p className="field-hint">{t('totp.manual')}</p>
          <p className="secret">{inFours(begun.secret)}</p>
        </div>
        <div>
          <CopyButton text={begun.secret} label={t('totp.copy')} done={t('copied')} />
        </div>
        <CodeField value={code} onChange={setCode} />
        <TaskError now={task.now} />
        <Button type="submit" kind="primary" wide busy={task.busy} disabled={!isTotp(code)}>
          {t('totp.confirm')}
        </Button>
      </form>
    </Dialog>
  );
}

/** Shown once: what is not kept now is gone. */
export function NewCodes({ codes, handle, onClose }: { readonly codes: readonly string[]; readonly handle: string; readonly onClose: () => void }) {
  const { t } = useText();
  const sheet = codesSheet(codes, { title: t('codes.sheet'), account: t('recovery.account', { handle: `@${handle}` }), keep: t('codes.keep') });
  return (
    <Dialog title={t('codes.title')} closeLabel={t('close')} onClose={onClose}>
      <div className="stack">
        <p className="door-text">{t('codes.text')}</p>
        <div className="sheet">
          <p className="print-only">{t('recovery.account', { handle: `@${handle}` })}</p>
          <ul className="codes" aria-label={t('codes.title')}>
            {codes.map((code) => (
              <li key={code}>{inFours(code)}</li>
            ))}
          </ul>
        </div>
        <div className="row">
          <CopyButton text={sheet} label={t('copy')} done={t('copied')} />
          <Button onPress={() => window.print()}>
            <Printer size={16} aria-hidden="true" />
            {t('print')}
          </Button>
          <Button onPress={() => saveFile(`lanying-${handle}-codes.txt`, sheet)}>
            <Download size={16} aria-hidden="true" />
            {t('save')}
          </Button>
        </div>
        <p className="field-hint">{t('codes.keep')}</p>
        <Button kind="primary" wide onPress={onClose}>
          {t('recovery.saved')}
        </Button>
      </div>
    </Dialog>
  );
}
