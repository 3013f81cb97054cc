import { useCallback } from 'react';
import { CopyButton } from '../components/copy-button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { Waiting } from '../components/notes.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import type { AppModel, UserId } from '../models/app.ts';
import { dateTime } from '../models/time.ts';
import { useLoaded } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** Makes a link to a new password as it comes up; an earlier one of that person is worth nothing then. */
export function ResetLink({ userId, name, onClose }: { readonly userId: UserId; readonly name: string; readonly onClose: () => void }) {
  const { t, locale } = useText();
  const { value: made, now } = useLoaded(useCallback((actions: AppModel['actions']) => actions.ask('passwordReset.create', { userId }), [userId]));
  return (
    <Dialog title={t('health.reset_title', { name })} closeLabel={t('close')} onClose={onClose}>
      <div className="stack">
        <TaskError now={now} />
        {made === null ? (
          <Waiting text={t('loading')} />
        ) : (
          <>
            <p className="door-text">{t('health.reset_text')}</p>
            <Qr data={made.link} label={t('health.reset_qr')} />
            <Field label={t('health.reset_link')} value={made.link} onChange={() => undefined} readOnly hint={t('invite.until', { when: dateTime(made.expiresAt, locale) })} />
            <div>
              <CopyButton text={made.link} label={t('copy')} done={t('copied')} />
            </div>
          </>
        )}
      </div>
    </Dialog>
  );
}
