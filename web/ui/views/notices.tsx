import { useMemo } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { useText } from '../i18n/text.ts';
import type { SecurityNotice } from '../models/app.ts';
import { directory, nameOf, ownId, titleOf } from '../models/people.ts';
import { dateTime } from '../models/time.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** A device that its person does not know goes at once. */
function NotMe({ notice }: { readonly notice: Extract<SecurityNotice, { kind: 'new_device' }> }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const there = useSnapshot((now) => now.devices.some(({ deviceId }) => deviceId === notice.deviceId));
  return (
    <>
      <TaskError now={task.now} />
      {there ? (
        <div>
          <Button kind="danger" busy={task.busy} onPress={() => task.run(() => app.actions.removeDevice(notice.deviceId))}>
            {t('notice.not_me')}
          </Button>
        </div>
      ) : (
        <p className="field-hint">{t('notice.removed')}</p>
      )}
    </>
  );
}

export function Notices({ onClose }: { readonly onClose: () => void }) {
  const { t, locale } = useText();
  const app = useApp();
  const task = useTask();
  const snapshot = useSnapshot((now) => now);
  const people = useMemo(() => directory(snapshot, t('deleted_person')), [snapshot, t]);
  const text = (notice: SecurityNotice): string => {
    const name = 'userId' in notice ? (nameOf(people, notice.userId) ?? t('unknown_person')) : '';
    const conversation = snapshot.conversations.find((item) => item.conversationId === notice.conversationId);
    const title = conversation === undefined ? t('conv.missing') : (titleOf(conversation, ownId(snapshot), people, locale) ?? t('list.alone'));
    const label = 'label' in notice ? notice.label : '';
    return t(`notice.${notice.kind}`, { name, title, label });
  };
  return (
    <Dialog title={t('notices.title')} closeLabel={t('close')} onClose={onClose}>
      {snapshot.notices.length === 0 ? <p className="field-hint">{t('notices.none')}</p> : null}
      <ul className="rows">
        {snapshot.notices.map((notice, index) => (
          <li key={`${notice.kind} ${notice.at} ${index}`} className="notice">
            <p>{text(notice)}</p>
            {notice.kind === 'new_device' ? <NotMe notice={notice} /> : null}
            <time className="time" dateTime={new Date(notice.at).toISOString()}>
              {dateTime(notice.at, locale)}
            </time>
          </li>
        ))}
      </ul>
      <TaskError now={task.now} />
      {snapshot.notices.length === 0 ? null : (
        <div className="row-end">
          <Button busy={task.busy} onPress={() => task.run(() => app.actions.dismissNotices(), onClose)}>
            {t('notices.dismiss')}
          </Button>
        </div>
      )}
    </Dialog>
  );
}
