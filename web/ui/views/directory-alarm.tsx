import { ShieldAlert } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useText } from '../i18n/text.ts';
import { directory, nameOf } from '../models/people.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** Over every screen while the server's key directory contradicts itself: what it means, what to do, and the way on. */
export function DirectoryAlarm() {
  const { t, locale } = useText();
  const snapshot = useSnapshot((now) => now);
  const people = useMemo(() => directory(snapshot, t('deleted_person')), [snapshot, t]);
  const [asking, setAsking] = useState(false);
  const alarm = snapshot.directory;
  const heard = alarm.state === 'contradicted' && alarm.heardFrom !== null ? (nameOf(people, alarm.heardFrom) ?? t('unknown_person')) : null;
  return (
    <div className="full-place" {...(alarm.state === 'contradicted' ? { role: 'alert' } : {})}>
      {alarm.state !== 'contradicted' ? null : (
        <section className={alarm.blocked ? 'full full-danger' : 'full'} aria-label={t('directory.title')}>
          <ShieldAlert size={20} aria-hidden="true" />
          <div>
            <h2 className="full-title">{t('directory.title')}</h2>
            <p>
              {t(`directory.${alarm.fault}`)} {heard === null ? null : t('directory.heard', { name: heard })}
            </p>
            <p>{t(alarm.blocked ? 'directory.stopped' : 'directory.goes_on')}</p>
            <p>{t('directory.do')}</p>
            <div className="row alarm-row">
              <Button onPress={() => setAsking(true)}>{t('directory.decide')}</Button>
              <time className="time" dateTime={new Date(alarm.at).toISOString()}>
                {dateTime(alarm.at, locale)}
              </time>
            </div>
          </div>
        </section>
      )}
      {asking && alarm.state === 'contradicted' ? <Decide onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

function Decide({ onClose }: { readonly onClose: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  return (
    <Dialog title={t('directory.decide')} closeLabel={t('close')} onClose={onClose}>
      <div className="stack">
        <p className="door-text">{t('directory.decide_text')}</p>
        <TaskError now={task.now} />
        <div className="row-end">
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.acceptDirectory(), onClose)}>
            {t('directory.decide_yes')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
