import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { Note, Waiting } from '../components/notes.tsx';
import { Qr } from '../components/qr.tsx';
import { useText } from '../i18n/text.ts';
import type { ApprovalView } from '../models/app.ts';
import { approvalLink, shownCode, signsOf } from '../models/signs.ts';
import { useApp, useSnapshot, useTask } from './context.tsx';
import { TaskError } from './task-error.tsx';

/** Six signs, and whether the other device shows the same. */
function Compare({ approval }: { readonly approval: ApprovalView }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const shown = signsOf(approval.check ?? [], t('approval.signs'));
  return (
    <div className="stack">
      <p className="door-text">{t(`approval.compare_${approval.role}`)}</p>
      <ol className="signs">
        {shown.map(({ sign, name }, at) => (
          // Six places that never move.
          <li key={`${at}-${sign}`} className="sign">
            <span className="sign-picture" aria-hidden="true">
              {sign}
            </span>
            <span className="sign-name">{name}</span>
          </li>
        ))}
      </ol>
      <TaskError now={task.now} />
      {approval.confirmed ? (
        <p role="status" className="field-hint">
          {t('approval.waiting_other')}
        </p>
      ) : (
        <div className="row">
          <Button kind="primary" busy={task.busy} onPress={() => task.run(() => app.actions.confirmApproval(true))}>
            {t('approval.same')}
          </Button>
          <Button kind="danger" onPress={() => task.run(() => app.actions.confirmApproval(false))}>
            {t('approval.different')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Ended({ approval, onAgain }: { readonly approval: ApprovalView; readonly onAgain: () => void }) {
  const { t } = useText();
  return (
    <div className="stack">
      <p role="status" className={approval.ended === 'done' ? 'note' : 'note note-danger'}>
        {t(approval.ended === 'done' ? `approval.done_${approval.role}` : `approval.ended_${approval.ended ?? 'expired'}`)}
      </p>
      <div>
        <Button onPress={onAgain}>{t(approval.ended === 'done' ? 'close' : 'approval.again')}</Button>
      </div>
    </div>
  );
}

/** On the new device: its code, then the signs. */
export function AskApproval({ onBack }: { readonly onBack: () => void }) {
  const { t } = useText();
  const app = useApp();
  const { run, now } = useTask();
  const approval = useSnapshot((snapshot) => snapshot.approval);
  useEffect(() => run(() => app.actions.askApproval()), [app, run]);
  const leave = (): void => run(() => app.actions.closeApproval(), onBack);
  if (approval === null) return now.state === 'failed' ? <TaskError now={now} /> : <Waiting text={t('loading')} />;
  if (approval.ended !== null) return <Ended approval={approval} onAgain={() => run(() => app.actions.askApproval())} />;
  if (approval.check !== null) return <Compare approval={approval} />;
  return (
    <div className="stack">
      <p className="door-text">{t('approval.ask')}</p>
      <Qr data={approvalLink(location.origin, approval.code)} label={t('approval.qr')} />
      <p className="approval-code">{shownCode(approval.code)}</p>
      <p className="field-hint">{t('approval.ask_hint')}</p>
      <TaskError now={now} />
      <div>
        <Button kind="quiet" onPress={leave}>
          {t('cancel')}
        </Button>
      </div>
    </div>
  );
}

/** On an old device: the code of the new one, then the signs. `first`: from a link that was scanned. */
export function AnswerApproval({ first, onBack }: { readonly first: string | null; readonly onBack: () => void }) {
  const { t } = useText();
  const app = useApp();
  const task = useTask();
  const approval = useSnapshot((snapshot) => (snapshot.approval?.role === 'old' ? snapshot.approval : null));
  const [code, setCode] = useState(first === null ? '' : shownCode(first));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    task.run(() => app.actions.answerApproval(code));
  };
  const leave = (): void => task.run(() => app.actions.closeApproval(), onBack);
  if (approval !== null && approval.ended !== null) return <Ended approval={approval} onAgain={leave} />;
  if (approval !== null) return approval.check === null ? <Note>{t('approval.waiting_other')}</Note> : <Compare approval={approval} />;
  return (
    <form className="stack" onSubmit={submit}>
      <p className="door-text">{t('approval.answer')}</p>
      <Field label={t('approval.code')} value={code} onChange={setCode} hint={t('approval.code_hint')} autoComplete="off" autoCapitalize="characters" spellCheck={false} code autoFocus />
      <TaskError now={task.now} />
      <div className="row">
        <Button type="submit" kind="primary" busy={task.busy} disabled={code.trim() === ''}>
          {t('approval.go_on')}
        </Button>
        <Button kind="quiet" onPress={leave}>
          {t('cancel')}
        </Button>
      </div>
    </form>
  );
}
