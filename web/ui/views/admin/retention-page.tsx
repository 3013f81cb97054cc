import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Note, Waiting } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import { classes, daysOf, type DueRow, dueRows, type RetentionPolicy, singles } from '../../models/admin/retention.ts';
import type { RetentionPreview } from '../../models/admin/desk.ts';
import { dateTime } from '../../models/time.ts';
import { useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { ClockNotice, PageHead, useDesk, useNames, useRetention } from './desk-context.tsx';
import { type RuleDraft, RuleDialog } from './rule-dialog.tsx';

export function RetentionPage() {
  const { t } = useText();
  const { view, now, reload } = useRetention();
  const [draft, setDraft] = useState<RuleDraft | null>(null);
  const saved = (): void => {
    setDraft(null);
    reload();
  };
  return (
    <>
      <PageHead title={t('admin.retention')} text={t('retention.text')} />
      <ClockNotice view={view} />
      <TaskError now={now} />
      {view === null ? <Waiting text={t('admin.loading')} /> : <Rules policies={view.policies} onDraft={setDraft} />}
      <Due onRan={reload} />
      {draft === null ? null : <RuleDialog draft={draft} policies={view?.policies ?? []} onClose={() => setDraft(null)} onSaved={saved} />}
    </>
  );
}

function Rules({ policies, onDraft }: { readonly policies: readonly RetentionPolicy[]; readonly onDraft: (draft: RuleDraft) => void }) {
  const { t } = useText();
  const names = useNames();
  const own = singles(policies);
  const days = (count: number | null): string => (count === null ? t('retention.forever') : t('retention.days', { days: count }));
  return (
    <>
      <section className="card" aria-label={t('retention.rules')}>
        <h2 className="card-title">{t('retention.rules')}</h2>
        <ul className="rows">
          {classes.map((ofClass) => (
            <li key={ofClass} className="rows-row">
              <span className="rows-text">
                <span className="rows-name">{t(`retention.class.${ofClass}`)}</span>
                <span className="rows-sub rows-wrap">{t(`retention.hint.${ofClass}`)}</span>
              </span>
              <span className="rows-value">{days(daysOf(policies, ofClass))}</span>
              <Button kind="quiet" label={t('retention.change_name', { what: t(`retention.class.${ofClass}`) })} onPress={() => onDraft({ class: ofClass, conversationId: null, days: daysOf(policies, ofClass) })}>
                {t('retention.change')}
              </Button>
            </li>
          ))}
        </ul>
      </section>
      <section className="card" aria-label={t('retention.single')}>
        <div className="card-head">
          <h2 className="card-title">{t('retention.single')}</h2>
          <Button onPress={() => onDraft({ class: 'messages', conversationId: 'choose', days: null })}>{t('retention.single_add')}</Button>
        </div>
        <p className="field-hint">{own.length === 0 ? t('retention.single_none') : t('retention.single_text')}</p>
        <ul className="rows">
          {own.map((policy) => {
            const what = `${names.conversation(policy.conversationId)} · ${t(`retention.class.${policy.class}`)}`;
            return (
              <li key={`${policy.class} ${policy.conversationId}`} className="rows-row">
                <span className="rows-text">
                  <span className="rows-name">{names.conversation(policy.conversationId)}</span>
                  <span className="rows-sub">{t(`retention.class.${policy.class}`)}</span>
                </span>
                <span className="rows-value">{days(policy.days)}</span>
                <Button kind="quiet" label={t('retention.change_name', { what })} onPress={() => onDraft(policy)}>
                  {t('retention.change')}
                </Button>
              </li>
            );
          })}
        </ul>
      </section>
    </>
  );
}

/** What a run would take now, and the run itself. */
function Due({ onRan }: { readonly onRan: () => void }) {
  const { t } = useText();
  const { desk } = useDesk();
  const looking = useTask();
  const running = useTask();
  const [preview, setPreview] = useState<RetentionPreview | null>(null);
  const [asking, setAsking] = useState(false);
  const [ran, setRan] = useState<'no' | 'some' | 'none'>('no');
  const rows = preview === null ? [] : dueRows(preview);
  const look = (): void => looking.run(() => desk.previewRetention(), setPreview);
  const run = (): void =>
    running.run(
      () => desk.runRetention(),
      (receipt) => {
        setAsking(false);
        setRan(receipt === null ? 'none' : 'some');
        setPreview(null);
        onRan();
      },
    );
  return (
    <section className="card" aria-label={t('retention.due')}>
      <div className="card-head">
        <h2 className="card-title">{t('retention.due')}</h2>
        <Button busy={looking.busy} onPress={look}>
          {preview === null ? t('retention.due_load') : t('retention.due_again')}
        </Button>
      </div>
      <p className="field-hint">{t('retention.due_text')}</p>
      <TaskError now={looking.now} />
      {preview !== null && rows.length === 0 ? <p role="status">{t('retention.due_none')}</p> : null}
      <ul className="rows">
        {rows.map((row) => (
          <Row key={row.key} row={row} />
        ))}
      </ul>
      {preview?.more === true ? <Note>{t('retention.due_more')}</Note> : null}
      <p role="status" className="panel-done">
        {ran === 'no' ? null : t(ran === 'some' ? 'retention.ran' : 'retention.ran_none')}
      </p>
      <div className="row-end">
        <Button onPress={() => setAsking(true)}>{t('retention.run')}</Button>
      </div>
      {asking ? (
        <Dialog title={t('retention.run_title')} closeLabel={t('close')} onClose={() => setAsking(false)}>
          <p>{t('retention.run_text')}</p>
          <TaskError now={running.now} />
          <div className="row-end">
            <Button kind="quiet" onPress={() => setAsking(false)}>
              {t('cancel')}
            </Button>
            <Button kind="danger" busy={running.busy} onPress={run}>
              {t('retention.run_yes')}
            </Button>
          </div>
        </Dialog>
      ) : null}
    </section>
  );
}

function Row({ row }: { readonly row: DueRow }) {
  const { t, locale } = useText();
  const names = useNames();
  const what = row.conversationId === null ? t(`retention.class.${row.class}`) : `${names.conversation(row.conversationId)} · ${t(`retention.class.${row.class}`)}`;
  return (
    <li className="rows-row">
      <span className="rows-text">
        <span className="rows-name">{t('retention.due_row', { what, count: t('retention.due_count', { count: row.count }) })}</span>
        <span className="rows-sub rows-wrap">{t('retention.due_before', { when: dateTime(row.before, locale), days: row.days })}</span>
      </span>
      <span className={`pill ${row.held ? 'pill-ok' : 'pill-danger'}`}>{t(row.held ? 'retention.due_held' : 'retention.due_goes')}</span>
    </li>
  );
}
