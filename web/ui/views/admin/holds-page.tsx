import { type FormEvent, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field } from '../../components/field.tsx';
import { markWrong } from '../../components/first-wrong.ts';
import { Empty, Waiting } from '../../components/notes.tsx';
import { Select } from '../../components/select.tsx';
import { useText } from '../../i18n/text.ts';
import { dayIn, type Hold, holdEnd, type HoldStep, isOpen, standingOf, stepsOf, waitsForOther } from '../../models/admin/retention.ts';
import type { ConversationId } from '../../models/app.ts';
import { dateTime } from '../../models/time.ts';
import { useSnapshot, useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { ClockNotice, PageHead, useDesk, useNames, useNow, useRetention } from './desk-context.tsx';

export function HoldsPage() {
  const { t } = useText();
  const { view, now, reload } = useRetention();
  const [adding, setAdding] = useState(false);
  const openedAt = useNow();
  const holds = (view?.holds ?? []).toSorted((a, b) => b.placedAt - a.placedAt);
  const open = holds.filter((hold) => isOpen(standingOf(hold, openedAt)));
  const past = holds.filter((hold) => !isOpen(standingOf(hold, openedAt)));
  const added = (): void => {
    setAdding(false);
    reload();
  };
  const list = (shown: readonly Hold[]) => (
    <ul className="cards">
      {shown.map((hold) => (
        <HoldCard key={hold.holdId} hold={hold} now={openedAt} onChanged={reload} />
      ))}
    </ul>
  );
  return (
    <>
      <PageHead title={t('admin.holds')} text={t('holds.text')} action={<Button onPress={() => setAdding(true)}>{t('holds.add')}</Button>} />
      <ClockNotice view={view} />
      <TaskError now={now} />
      {view === null ? <Waiting text={t('admin.loading')} /> : null}
      {view !== null && open.length === 0 ? (
        <div className="admin-empty">
          <Empty title={t('holds.none')} text={t('holds.scope_text')} />
        </div>
      ) : null}
      {list(open)}
      {past.length === 0 ? null : (
        <section>
          <h2 className="day-head">{t('holds.past')}</h2>
          {list(past)}
        </section>
      )}
      {adding ? <HoldDialog onClose={() => setAdding(false)} onPlaced={added} /> : null}
    </>
  );
}

const tones = { proposed: 'pill-warn', active: 'pill-ok', releasing: 'pill-warn', lapsed: '', ended: '', released: '' } as const;

function HoldCard({ hold, now, onChanged }: { readonly hold: Hold; readonly now: number; readonly onChanged: () => void }) {
  const { t, locale } = useText();
  const { desk, me } = useDesk();
  const names = useNames();
  const task = useTask();
  const standing = standingOf(hold, now);
  const act = (step: HoldStep): void =>
    task.run(() => (step === 'confirm' || step === 'confirm_release' ? desk.confirmHold(hold.holdId) : desk.releaseHold(hold.holdId)), onChanged);
  const scope = hold.conversationId === null ? t('retention.everywhere') : names.conversation(hold.conversationId);
  const steps = stepsOf(hold, me.userId, now);
  return (
    <li className="card">
      <div className="card-head">
        <h3 className="card-title">{hold.reason}</h3>
        <span className={`pill ${tones[standing]}`}>{t(`holds.state.${standing}`)}</span>
      </div>
      <p className="card-line">
        {scope} · {t('holds.until', { when: dateTime(hold.until, locale) })}
      </p>
      <p className="field-hint">
        {t('holds.by', { name: names.person(hold.placedBy), when: dateTime(hold.placedAt, locale) })}
        {hold.confirmedBy === null ? null : ` · ${t('holds.confirmed', { name: names.person(hold.confirmedBy) })}`}
      </p>
      {standing === 'proposed' ? <p className="field-hint">{t('holds.confirm_by', { when: dateTime(hold.confirmBy, locale) })}</p> : null}
      {standing === 'releasing' && hold.releaseBy !== null ? <p className="field-hint">{t('holds.release_by', { name: names.person(hold.releaseBy) })}</p> : null}
      {waitsForOther(hold, me.userId, now) ? <p className="field-hint">{t('holds.own')}</p> : null}
      <TaskError now={task.now} />
      {steps.length === 0 ? null : (
        <div className="row-end">
          {steps.toReversed().map((step) => (
            <Button key={step} kind={step === 'withdraw' ? 'quiet' : step === 'release' ? 'plain' : 'primary'} busy={task.busy} label={t('holds.action_name', { what: t(`holds.${step}`), reason: hold.reason })} onPress={() => act(step)}>
              {t(`holds.${step}`)}
            </Button>
          ))}
        </div>
      )}
    </li>
  );
}

const reasonLengthMax = 280;

function HoldDialog({ onClose, onPlaced }: { readonly onClose: () => void; readonly onPlaced: () => void }) {
  const { t } = useText();
  const { desk } = useDesk();
  const names = useNames();
  const task = useTask();
  const form = useRef<HTMLFormElement>(null);
  const conversations = useSnapshot((now) => now.conversations);
  const [openedAt] = useState(() => Date.now());
  const [where, setWhere] = useState<ConversationId | ''>('');
  const [reason, setReason] = useState('');
  const [day, setDay] = useState(() => dayIn(90, openedAt));
  const [wrong, setWrong] = useState(false);
  const until = holdEnd(day, openedAt);
  const text = reason.trim();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text === '' || until === null) return markWrong(form.current, () => setWrong(true));
    task.run(() => desk.placeHold(where === '' ? null : where, text, until), onPlaced);
  };
  return (
    <Dialog title={t('holds.add')} closeLabel={t('close')} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        <Select
          label={t('holds.scope')}
          value={where}
          onChange={setWhere}
          options={[{ value: '', label: t('retention.everywhere') }, ...conversations.map(({ conversationId }) => ({ value: conversationId, label: names.conversation(conversationId) }))]}
        />
        <Field label={t('holds.reason')} value={reason} onChange={setReason} maxLength={reasonLengthMax} autoComplete="off" hint={t('holds.reason_hint')} error={wrong && text === '' ? t('holds.reason_empty') : null} />
        <Field label={t('holds.end')} type="date" value={day} onChange={setDay} hint={t('holds.end_hint')} error={wrong && until === null ? t('holds.end_wrong') : null} />
        <TaskError now={task.now} />
        <div className="row-end">
          <Button kind="quiet" onPress={onClose}>
            {t('cancel')}
          </Button>
          <Button kind="primary" type="submit" busy={task.busy}>
            {t('holds.place')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
