import { BadgeCheck, ShieldAlert } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Waiting } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import type { ReceiptView } from '../../models/admin/desk.ts';
import { linesOf, receiptFile, type ReceiptLine } from '../../models/admin/erasure.ts';
import { dateTime } from '../../models/time.ts';
import { useTask } from '../context.tsx';
import { TaskError } from '../task-error.tsx';
import { useDesk, useNames } from './desk-context.tsx';
import { saveFile } from './save-file.ts';

export function Receipts() {
  const { t } = useText();
  const { desk } = useDesk();
  const { run, now, busy } = useTask();
  const [receipts, setReceipts] = useState<readonly ReceiptView[] | null>(null);
  const [more, setMore] = useState(false);
  const last = receipts?.at(-1)?.receiptId ?? null;
  const load = useCallback(
    (before: ReceiptView['receiptId'] | null) =>
      run(
        () => desk.receipts(before),
        (page) => {
          setReceipts((shown) => [...(before === null ? [] : (shown ?? [])), ...page.receipts]);
          setMore(page.more);
        },
      ),
    [desk, run],
  );
  useEffect(() => load(null), [load]);
  return (
    <section className="card" aria-label={t('erasure.receipts')}>
      <h2 className="card-title">{t('erasure.receipts')}</h2>
      <p className="field-hint">{t('erasure.receipts_text')}</p>
      <TaskError now={now} />
      {receipts === null && busy ? <Waiting text={t('admin.loading')} /> : null}
      {receipts?.length === 0 ? <p>{t('erasure.receipts_none')}</p> : null}
      <ul className="rows">{receipts?.map((receipt) => <ReceiptRow key={receipt.receiptId} receipt={receipt} />)}</ul>
      {more ? (
        <div className="list-end">
          <Button busy={busy} onPress={() => load(last)}>
            {t('erasure.receipts_more')}
          </Button>
        </div>
      ) : null}
    </section>
  );
}

function useLine(): (line: ReceiptLine) => string {
  const { t } = useText();
  const names = useNames();
  return ({ class: ofClass, conversationId, count, reason }) => {
    const where = conversationId === null ? t('retention.everywhere') : names.conversation(conversationId);
    const what = t(`erasure.line.${ofClass}`, { count, where });
    const why =
      reason.kind === 'policy'
        ? t('erasure.why.policy', { days: reason.days })
        : reason.kind === 'request'
          ? t('erasure.why.request', { name: names.person(reason.by), text: reason.text })
          : t('erasure.why.restore');
    return `${what} — ${why}`;
  };
}

function ReceiptRow({ receipt: view }: { readonly receipt: ReceiptView }) {
  const { t, locale } = useText();
  const line = useLine();
  const when = dateTime(view.at, locale);
  const file = receiptFile(view);
  const proof = view.receipt?.proof ?? null;
  return (
    <li className="receipt">
      <div className="card-head">
        <span className="rows-name">
          <time dateTime={new Date(view.at).toISOString()}>{when}</time>
        </span>
        <span className={`pill ${view.verified ? 'pill-ok' : 'pill-danger'}`}>
          {view.verified ? <BadgeCheck size={14} aria-hidden="true" /> : <ShieldAlert size={14} aria-hidden="true" />}
          {t(view.verified ? 'erasure.verified' : 'erasure.unverified')}
        </span>
      </div>
      {view.verified ? null : <p className="note note-danger">{t('erasure.unverified_text')}</p>}
      <ul className="receipt-lines">
        {(view.receipt === null ? [] : linesOf(view.receipt)).map((one, index) => (
          <li key={`${one.class} ${index}`}>{line(one)}</li>
        ))}
      </ul>
      {proof === null ? null : <p className="field-hint">{t('erasure.proof', { fingerprints: proof.fingerprints, files: proof.files, found: proof.found })}</p>}
      <div className="row-end">
        <Button kind="quiet" label={t('erasure.save_name', { when })} onPress={() => saveFile(file.name, [file.text], 'application/json')}>
          {t('erasure.save')}
        </Button>
      </div>
    </li>
  );
}
