import { type FormEvent, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';
import { tidyName } from '../models/account.ts';
import type { DeviceView } from '../models/app.ts';
import { dayLabel } from '../models/time.ts';
import { AnswerApproval } from './approval.tsx';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** One's own devices, and letting another one in. `code`: from a link that was scanned. */
export function DeviceSettings({ code }: { readonly code: string | null }) {
  const { t } = useText();
  const devices = useSnapshot((now) => now.devices);
  const [openedAt] = useState(() => Date.now());
  const [letting, setLetting] = useState(code !== null);
  // One thing at a time: what is compared stands alone.
  if (letting)
    return (
      <section className="stack" aria-labelledby="let-in-title">
        <h3 className="field-label" id="let-in-title">
          {t('devices.add')}
        </h3>
        <AnswerApproval first={code} onBack={() => setLetting(false)} />
      </section>
    );
  return (
    <div className="stack stack-wide">
      <section className="stack" aria-labelledby="devices-title">
        <div>
          <h3 className="field-label" id="devices-title">
            {t('devices.title')}
          </h3>
          <p className="field-hint">{t('devices.text')}</p>
        </div>
        <ul className="rows rows-lined">
          {devices.map((device) => (
            <DeviceRow key={device.deviceId} device={device} now={openedAt} />
          ))}
        </ul>
      </section>
      <section className="section stack" aria-labelledby="let-in-title">
        <h3 className="field-label" id="let-in-title">
          {t('devices.add')}
        </h3>
        <p className="field-hint">{t('devices.add_text')}</p>
        <div>
          <Button onPress={() => setLetting(true)}>{t('devices.add_start')}</Button>
        </div>
      </section>
    </div>
  );
}

function DeviceRow({ device, now }: { readonly device: DeviceView; readonly now: number }) {
  const { t, locale } = useText();
  const [doing, setDoing] = useState<'nothing' | 'rename' | 'remove'>('nothing');
  const when = (at: number): string => dayLabel(at, now, locale);
  return (
    <li className="rows-row device-row">
      <span className="rows-text">
        <span className="rows-name">{device.label}</span>
        {device.here ? <span className="session-here">{t('devices.here')}</span> : null}
        <span className="rows-sub">{t('devices.dates', { added: when(device.createdAt), used: when(device.usedAt) })}</span>
      </span>
      {doing === 'nothing' ? (
        <span className="device-acts">
          <Button kind="quiet" label={t('devices.rename_name', { name: device.label })} onPress={() => setDoing('rename')}>
            {t('devices.rename')}
          </Button>
          {device.here ? null : (
            <Button kind="quiet" label={t('devices.remove_name', { name: device.label })} onPress={() => setDoing('remove')}>
              {t('devices.remove')}
            </Button>
          )}
        </span>
      ) : null}
      {doing === 'rename' ? <Rename device={device} onDone={() => setDoing('nothing')} /> : null}
      {doing === 'remove' ? <Remove device={device} onDone={() => setDoing('nothing')} /> : null}
    </li>
  );
}

function Rename({ device, onDone }: { readonly device: DeviceView; readonly onDone: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const [name, setName] = useState(device.label);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.renameDevice(device.deviceId, tidyName(name)), onDone);
  };
  return (
    <form className="device-form stack" onSubmit={submit}>
      <Field label={t('devices.new_name')} value={name} onChange={setName} maxLength={64} autoComplete="off" autoFocus />
      <TaskError now={task.now} />
      <div className="row">
        <Button type="submit" kind="primary" busy={task.busy} disabled={tidyName(name) === ''}>
          {t('save_name')}
        </Button>
        <Button kind="quiet" onPress={onDone}>
          {t('cancel')}
        </Button>
      </div>
    </form>
  );
}

/** Asks once more, and says what happens. */
function Remove({ device, onDone }: { readonly device: DeviceView; readonly onDone: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  return (
    <div className="device-form stack">
      <p className="door-text">{t('devices.remove_text', { name: device.label })}</p>
      <TaskError now={task.now} />
      <div className="row">
        <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.removeDevice(device.deviceId))}>
          {t('devices.remove_confirm')}
        </Button>
        <Button kind="quiet" autoFocus onPress={onDone}>
          {t('cancel')}
        </Button>
      </div>
    </div>
  );
}
