import { useState } from 'react';
import { useStore } from 'zustand';
import { Button } from '../../components/button.tsx';
import { useText } from '../../i18n/text.ts';
import { type Asked, stillOpen } from '../../models/admin/erasure.ts';
import { dateTime } from '../../models/time.ts';
import { useApp } from '../context.tsx';
import { PageHead, useDesk, useNow } from './desk-context.tsx';
import { ErasureAsk, ErasureConfirm } from './erasure-dialogs.tsx';
import { Receipts } from './receipts.tsx';

type Open = { readonly kind: 'none' } | { readonly kind: 'ask' } | { readonly kind: 'confirm'; readonly asked: Asked };

export function ErasurePage() {
  const { t, locale } = useText();
  const app = useApp();
  const { asked } = useDesk();
  const [open, setOpen] = useState<Open>({ kind: 'none' });
  const [done, setDone] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const list = stillOpen(useStore(asked, (now) => now.list), useNow());
  const close = (): void => setOpen({ kind: 'none' });
  const drop = ({ requestId }: Asked): void => asked.setState((now) => ({ list: now.list.filter((one) => one.requestId !== requestId) }));
  const erased = (one: Asked): void => {
    close();
    drop(one);
    setDone(one.name);
    setRound(round + 1);
    // The list of people shows it sooner or later by itself.
    app.actions.refreshPeople().catch(() => undefined);
  };
  const requested = (one: Asked): void => {
    asked.setState((now) => ({ list: [...now.list.filter(({ userId }) => userId !== one.userId), one] }));
    setDone(null);
    setOpen({ kind: 'confirm', asked: one });
  };
  return (
    <>
      <PageHead title={t('admin.erasure')} text={t('erasure.text')} />
      <section className="card" aria-label={t('erasure.person')}>
        <div className="card-head">
          <h2 className="card-title">{t('erasure.person')}</h2>
          <Button onPress={() => setOpen({ kind: 'ask' })}>{t('erasure.start')}</Button>
        </div>
        <p className="field-hint">{t('erasure.person_text')}</p>
        <p role="status" className="panel-done">
          {done === null ? null : t('erasure.done', { name: done })}
        </p>
        {list.length === 0 ? null : (
          <>
            <h3 className="section-title">{t('erasure.waiting')}</h3>
            <ul className="rows">
              {list.map((one) => (
                <li key={one.requestId} className="rows-row">
                  <span className="rows-text rows-wrap">{t('erasure.waiting_row', { name: one.name, when: dateTime(one.confirmBy, locale) })}</span>
                  <Button label={t('erasure.confirm_name', { name: one.name })} onPress={() => setOpen({ kind: 'confirm', asked: one })}>
                    {t('erasure.confirm')}
                  </Button>
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
      <Receipts key={round} />
      {open.kind === 'ask' ? <ErasureAsk onClose={close} onAsked={requested} /> : null}
      {open.kind === 'confirm' ? <ErasureConfirm asked={open.asked} onClose={close} onErased={erased} onSpent={drop} /> : null}
    </>
  );
}
