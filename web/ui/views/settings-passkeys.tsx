import { KeyRound, Pencil } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button, IconButton } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';
import { deviceLabel } from '../models/account.ts';
import type { FactorsView, PasskeyItem } from '../models/factors.ts';
import { dateTime, dayLabel } from '../models/time.ts';
import { useApp, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** `onChanged`: with new recovery codes for signing in, where adding one made some. */
export function Passkeys({ passkeys, onChanged }: { readonly passkeys: FactorsView['passkeys']; readonly onChanged: (codes: readonly string[] | null) => void }) {
  const { t } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [adding, setAdding] = useState(false);
  const [name, setName] = useState('');
  const begin = (): void => {
    setName(deviceLabel(navigator.userAgent));
    setAdding(true);
  };
  const add = (event: FormEvent): void => {
    event.preventDefault();
    task.run(
      () => actions.addPasskey(name.trim()),
      (added) => {
        setAdding(false);
        onChanged(added.recoveryCodes);
      },
    );
  };
  return (
    <section className="stack" aria-labelledby="passkeys-title">
      <div>
        <h3 className="field-label" id="passkeys-title">
          {t('passkeys.title')}
        </h3>
        <p className="field-hint">{t('passkeys.text')}</p>
      </div>
      <TaskError now={task.now} />
      {passkeys.length === 0 ? null : (
        <ul className="rows rows-lined">
          {passkeys.map((passkey) => (
            <PasskeyRow key={passkey.credentialId} passkey={passkey} onRemove={() => task.run(() => actions.ask('passkey.remove', { credentialId: passkey.credentialId }), () => onChanged(null))} onRenamed={() => onChanged(null)} />
          ))}
        </ul>
      )}
      {adding ? (
        <form className="stack" onSubmit={add}>
          <Field label={t('passkeys.name')} hint={t('passkeys.name_hint')} value={name} onChange={setName} maxLength={64} autoComplete="off" autoFocus />
          <div className="row">
            <Button type="submit" kind="primary" busy={task.busy} disabled={name.trim() === ''}>
              <KeyRound size={18} aria-hidden="true" />
              {t('passkeys.make')}
            </Button>
            <Button kind="quiet" onPress={() => setAdding(false)}>
              {t('cancel')}
            </Button>
          </div>
        </form>
      ) : (
        <div>
          <Button onPress={begin}>{t('passkeys.add')}</Button>
        </div>
      )}
    </section>
  );
}

function PasskeyRow({ passkey, onRemove, onRenamed }: { readonly passkey: PasskeyItem; readonly onRemove: () => void; readonly onRenamed: () => void }) {
  const { t, locale } = useText();
  const { actions } = useApp();
  const task = useTask();
  const [doing, setDoing] = useState<'nothing' | 'renaming' | 'removing'>('nothing');
  const [openedAt] = useState(() => Date.now());
  const [name, setName] = useState(passkey.name ?? '');
  const shown = passkey.name ?? t('passkeys.unnamed');
  const stop = (): void => setDoing('nothing');
  const rename = (event: FormEvent): void => {
    event.preventDefault();
    task.run(
      () => actions.ask('passkey.rename', { credentialId: passkey.credentialId, name: name.trim() }),
      () => {
        stop();
        onRenamed();
      },
    );
  };
  const parts = [
    t('passkeys.made', { when: dateTime(passkey.createdAt, locale) }),
    ...(passkey.usedAt === null ? [] : [t('passkeys.used', { when: dayLabel(passkey.usedAt, openedAt, locale) })]),
    ...(passkey.backupEligible === null ? [] : [t(passkey.backedUp ? 'passkeys.synced' : passkey.backupEligible ? 'passkeys.may_sync' : 'passkeys.here_only')]),
  ];
  if (doing === 'renaming')
    return (
      <li className="rows-row">
        <form className="stack rows-form" onSubmit={rename}>
          <Field label={t('passkeys.name')} value={name} onChange={setName} maxLength={64} autoComplete="off" autoFocus />
          <TaskError now={task.now} />
          <div className="row">
            <Button type="submit" kind="primary" busy={task.busy} disabled={name.trim() === ''}>
              {t('save_name')}
            </Button>
            <Button kind="quiet" onPress={stop}>
              {t('cancel')}
            </Button>
          </div>
        </form>
      </li>
    );
  return (
    <li className="rows-row">
      <span className="rows-text">
        <span className="rows-name">{shown}</span>
        <span className="rows-sub">{parts.join(' · ')}</span>
      </span>
      {doing === 'removing' ? (
        <>
          <Button kind="danger" label={t('passkeys.remove_confirm_name', { name: shown })} onPress={onRemove}>
            {t('passkeys.remove_confirm')}
          </Button>
          <Button kind="quiet" autoFocus onPress={stop}>
            {t('cancel')}
          </Button>
        </>
      ) : (
        <>
          <IconButton label={t('passkeys.rename_name', { name: shown })} icon={<Pencil size={18} aria-hidden="true" />} onPress={() => setDoing('renaming')} />
          <Button kind="quiet" label={t('passkeys.remove_name', { name: shown })} onPress={() => setDoing('removing')}>
            {t('passkeys.remove')}
          </Button>
        </>
      )}
    </li>
  );
}
