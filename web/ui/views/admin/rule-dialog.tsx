import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { markWrong } from '../../components/first-wrong.ts';
import { Select } from '../../components/select.tsx';
import { useText } from '../../i18n/text.ts';
import { daysTyped, isShorter, type RetentionClass, type RetentionPolicy, singleClasses } from '../../models/admin/retention.ts';
import type { ConversationId } from '../../models/app.ts';
import { useSnapshot, useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { useDesk, useNames } from './desk-context.tsx';

/** `choose`: a rule for a conversation that is still to be chosen. */
export interface RuleDraft {
  readonly class: RetentionClass;
  readonly conversationId: ConversationId | null | 'choose';
  readonly days: number | null;
}

export function RuleDialog({ draft, policies, onClose, onSaved }: { readonly draft: RuleDraft; readonly policies: readonly RetentionPolicy[]; readonly onClose: () => void; readonly onSaved: () => void }) {
  const { t } = useText();
  const { desk } = useDesk();
  const names = useNames();
  const conversations = useSnapshot((now) => now.conversations);
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const choosing = draft.conversationId === 'choose';
  const first = conversations[0]?.conversationId ?? null;
  const [ofClass, setClass] = useState(draft.class);
  const [where, setWhere] = useState<ConversationId | null>(draft.conversationId === 'choose' ? first : draft.conversationId);
  const [keep, setKeep] = useState<'days' | 'forever'>(draft.days === null && !choosing ? 'forever' : 'days');
  const [typed, setTyped] = useState(draft.days === null ? '' : String(draft.days));
  const [wrong, setWrong] = useState(false);
  const days = keep === 'forever' ? null : daysTyped(typed);
  const find = (conversationId: ConversationId | null): RetentionPolicy | undefined => policies.find((policy) => policy.class === ofClass && policy.conversationId === conversationId);
  const before = (find(where) ?? find(null))?.days ?? null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (keep === 'days' && days === null) return markWrong(form.current, () => setWrong(true));
    task.run(() => desk.setRetention(ofClass, where, days), onSaved);
  };
  const what = t(`retention.class.${draft.class}`);
  const title = choosing ? t('retention.edit_add') : draft.conversationId === null ? t('retention.edit', { what }) : `${names.conversation(draft.conversationId)} · ${what}`;
  if (choosing && first === null) {
    return (
      <Dialog title={title} closeLabel={t('close')} onClose={onClose}>
        <p>{t('retention.conversation_none')}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        {choosing ? (
          <>
            <Select label={t('retention.conversation')} value={where ?? ''} onChange={(id) => setWhere(id === '' ? null : id)} options={conversations.map(({ conversationId }) => ({ value: conversationId, label: names.conversation(conversationId) }))} />
            <Choice label={t('retention.class')} value={ofClass} onChange={setClass} options={singleClasses.map((value) => ({ value, label: t(`retention.class.${value}`) }))} />
          </>
        ) : null}
        <Choice label={t('retention.keep')} value={keep} onChange={setKeep} options={(['days', 'forever'] as const).map((value) => ({ value, label: t(`retention.keep.${value}`) }))} />
        {keep === 'days' ? (
          <Field
            label={t('retention.keep_days')}
            value={typed}
            onChange={(value) => {
              setTyped(value);
              setWrong(false);
            }}
            inputMode="numeric"
            autoComplete="off"
            maxLength={6}
            error={wrong ? t('retention.days_wrong') : null}
          />
        ) : null}
        {(keep === 'forever' || days !== null) && isShorter(before, days) ? <p className="note note-warn">{t('retention.shorter')}</p> : null}
        <TaskError now={task.now} />
        <div className="row-end">
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind="primary" type="submit" busy={task.busy}>
            {t('retention.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
