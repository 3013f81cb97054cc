import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Field } from '../components/field.tsx';
import { markWrong } from '../components/first-wrong.ts';
import { useText } from '../i18n/text.ts';
import { deskOf } from '../models/admin/desk.ts';
import { handleTyped, type RequestId } from '../models/admin/erasure.ts';
import type { Me } from '../models/app.ts';
import { useApp, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

type Rules = Awaited<ReturnType<ReturnType<typeof deskOf>['retentionRules']>>;

/** What the server keeps of everybody, for how long, and the way out. */
export function MyData({ me }: { readonly me: Me }) {
  const { t } = useText();
  const app = useApp();
  const { run, now } = useTask();
  const [rules, setRules] = useState<Rules | null>(null);
  const [erasing, setErasing] = useState<'no' | 'yes' | 'back'>('no');
  useEffect(() => run(() => deskOf(app.actions).retentionRules(), setRules), [app, run]);
  return (
    <section className="stack" aria-label={t('data.title')}>
      <div>
        <h3 className="field-label">{t('data.title')}</h3>
        <p className="door-text">{t('data.text')}</p>
      </div>
      <TaskError now={now} />
      {rules === null ? null : (
        <ul className="notice-list">
          {rules.map((rule) => (
            <li key={rule.class}>{t(`notice.kept.${rule.class}`, { days: rule.days })}</li>
          ))}
          <li>{rules.length === 0 ? t('data.all') : t('data.rest')}</li>
        </ul>
      )}
      {me.role === 'owner' ? (
        <p className="field-hint">{t('data.erase_owner')}</p>
      ) : (
        <div>
          <Button autoFocus={erasing === 'back'} onPress={() => setErasing('yes')}>
            {t('data.erase')}
          </Button>
        </div>
      )}
      {erasing === 'yes' ? <EraseOwn me={me} onClose={() => setErasing('back')} /> : null}
    </section>
  );
}

/** Two steps: asked for, then confirmed with one's own handle ([R14]). */
function EraseOwn({ me, onClose }: { readonly me: Me; readonly onClose: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const [reason, setReason] = useState('');
  const [requestId, setRequestId] = useState<RequestId | null>(null);
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);
  const desk = deskOf(app.actions);
  const handle = handleTyped(typed);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (requestId === null) {
      const text = reason.trim() === '' ? t('data.erase_default') : reason.trim();
      return task.run(() => desk.requestOwnErasure(text), (asked) => setRequestId(asked.requestId));
    }
    if (handle !== me.handle) return markWrong(form.current, () => setWrong(true));
    // Good for one try: after a refusal it is asked for anew.
    task.run(
      () => desk.confirmOwnErasure(requestId, handle),
      undefined,
      (code) => (code === 'network.unreachable' ? undefined : setRequestId(null)),
    );
  };
  return (
    <Dialog title={t('data.erase_title')} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        <p>{t('data.erase_text')}</p>
        {requestId === null ? (
          <Field key="why" label={t('data.erase_reason')} value={reason} onChange={setReason} maxLength={280} autoComplete="off" />
        ) : (
          <>
            <p className="note note-warn">{t('data.erase_confirm', { handle: me.handle })}</p>
            <Field
              key="handle"
              label={t('erasure.handle')}
              prefix="@"
              value={typed}
              onChange={(value) => {
                setTyped(value);
                setWrong(false);
              }}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              error={wrong ? t('erasure.handle_wrong', { handle: me.handle }) : null}
            />
          </>
        )}
        <TaskError now={task.now} />
        <div className="row-end">
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind={requestId === null ? 'plain' : 'danger'} type="submit" busy={task.busy}>
            {t(requestId === null ? 'data.erase_next' : 'data.erase_yes')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
