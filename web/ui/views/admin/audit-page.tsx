import { Download, ShieldCheck } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { Empty, ErrorNote, Waiting } from '../../components/notes.tsx';
import { Select } from '../../components/select.tsx';
import { useText } from '../../i18n/text.ts';
import { actGroups, actsOf, anything, type AuditEntry, type AuditModel, createAuditModel, isFiltered } from '../../models/admin/audit.ts';
import { dateTime, dayKey, dayLabel } from '../../models/time.ts';
import { useSnapshot, useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { AuditEntryRow } from './audit-entry.tsx';
import { AuditExport } from './audit-export.tsx';
import { PageHead, useDesk } from './desk-context.tsx';

export function AuditPage() {
  const { t } = useText();
  const { desk } = useDesk();
  const [model] = useState(() => createAuditModel(desk));
  const [exporting, setExporting] = useState(false);
  useEffect(() => model.load(), [model]);
  return (
    <>
      <PageHead
        title={t('admin.audit')}
        text={t('audit.text')}
        action={
          <Button onPress={() => setExporting(true)}>
            <Download size={16} aria-hidden="true" />
            {t('audit.export')}
          </Button>
        }
      />
      <Head model={model} />
      <Filters model={model} />
      <Entries model={model} />
      {exporting ? <AuditExport model={model} onClose={() => setExporting(false)} /> : null}
    </>
  );
}

/** What this device has proven of the log. The alarm above says so when it cannot. */
function Head({ model }: { readonly model: AuditModel }) {
  const { t, locale } = useText();
  const { desk } = useDesk();
  const task = useTask();
  const [done, setDone] = useState(false);
  const audit = useSnapshot((now) => now.audit);
  const exportedAt = useStore(model.store, (now) => now.exportedAt);
  const fault = audit !== null && audit.fault !== null;
  const known = audit !== null && !fault && audit.at !== null;
  return (
    <section className="panel" aria-label={t('audit.head.ok')}>
      <ShieldCheck size={20} className={known ? 'ok' : 'faint'} aria-hidden="true" />
      <div className="panel-main">
        {fault ? null : <h2 className="panel-title">{known ? t('audit.head.ok') : t('audit.head.none')}</h2>}
        {known ? <p>{t('audit.head.count', { count: audit.size, when: dateTime(audit.at ?? 0, locale) })}</p> : null}
        <p className="field-hint">{t('audit.head.how')}</p>
        {exportedAt === undefined ? null : <p className="field-hint">{exportedAt === null ? t('audit.exported_none') : t('audit.exported', { when: dateTime(exportedAt, locale) })}</p>}
        <TaskError now={task.now} />
        <p role="status" className="panel-done">
          {done && task.now.state === 'idle' && !fault ? t('audit.head.checked') : null}
        </p>
      </div>
      <Button busy={task.busy} onPress={() => task.run(() => desk.checkAudit(), () => setDone(true))}>
        {t('audit.head.check')}
      </Button>
    </section>
  );
}

function Filters({ model }: { readonly model: AuditModel }) {
  const { t } = useText();
  const form = useStore(model.store, (now) => now.form);
  const people = useSnapshot((now) => now.people);
  return (
    <section className="filters" aria-label={t('audit.filters')}>
      <Select
        label={t('audit.filter.act')}
        value={form.act}
        onChange={(act) => model.set({ act })}
        options={[{ value: '', label: t('audit.filter.any') }]}
        groups={actGroups.map((group) => ({ label: t(`audit.group.${group}`), options: actsOf(group).map((act) => ({ value: act, label: t(`act.${act}`) })) }))}
      />
      <Select
        label={t('audit.filter.actor')}
        value={form.actor}
        onChange={(actor) => model.set({ actor })}
        options={[{ value: '', label: t('audit.filter.anyone') }, ...people.map(({ userId, displayName }) => ({ value: userId, label: displayName }))]}
      />
      <Field label={t('audit.filter.from')} type="date" value={form.from} onChange={(from) => model.set({ from })} />
      <Field label={t('audit.filter.to')} type="date" value={form.to} onChange={(to) => model.set({ to })} />
      {isFiltered(form) ? (
        <Button kind="quiet" onPress={() => model.set(anything)}>
          {t('audit.filter.clear')}
        </Button>
      ) : null}
    </section>
  );
}

function byDay(entries: readonly AuditEntry[]): readonly (readonly AuditEntry[])[] {
  const days: AuditEntry[][] = [];
  for (const entry of entries) {
    const day = days.at(-1);
    const last = day?.at(-1);
    if (day === undefined || last === undefined || dayKey(last.time) !== dayKey(entry.time)) days.push([entry]);
    else day.push(entry);
  }
  return days;
}

function Entries({ model }: { readonly model: AuditModel }) {
  const { t, locale } = useText();
  const { entries, next, busy, failed, form } = useStore(model.store);
  const [openedAt] = useState(() => Date.now());
  const none = entries.length === 0;
  return (
    <section aria-label={t('audit.list')} aria-busy={busy}>
      {byDay(entries).map((day) => (
        <div key={day[0]?.index} className="day-group">
          <h2 className="day-head">{dayLabel(day[0]?.time ?? 0, openedAt, locale)}</h2>
          <ul className="entries">
            {day.map((entry) => (
              <AuditEntryRow key={entry.index} entry={entry} />
            ))}
          </ul>
        </div>
      ))}
      {failed === null ? null : <ErrorNote>{t(`error.${failed}`)}</ErrorNote>}
      {busy && none ? <Waiting text={t('admin.loading')} /> : null}
      {!busy && failed === null && none && next === null ? (
        <div className="admin-empty">
          <Empty title={t('audit.none')} text={t('audit.none_text')} />
        </div>
      ) : null}
      <div className="list-end">
        {none && next !== null && !busy ? <p className="field-hint">{t('audit.further')}</p> : null}
        {next === null ? null : (
          <Button busy={busy} onPress={() => model.more()}>
            {t('audit.more')}
          </Button>
        )}
        {next === null && !none && !busy && !isFiltered(form) ? <p className="field-hint">{t('audit.end')}</p> : null}
      </div>
    </section>
  );
}
