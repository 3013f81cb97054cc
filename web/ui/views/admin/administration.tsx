import { ArrowLeft, Clock, Eraser, KeyRound, Scale, ScrollText } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Link, Redirect, useLocation, useRoute } from 'wouter';
import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import { Button, IconButton } from '../../components/button.tsx';
import { Empty } from '../../components/notes.tsx';
import { useText } from '../../i18n/text.ts';
import { type Asked, stillOpen } from '../../models/admin/erasure.ts';
import { deskOf } from '../../models/admin/desk.ts';
import type { Me } from '../../models/app.ts';
import { AuditAlarm } from '../audit-alarm.tsx';
import { useApp, useFreshPeople } from '../context.tsx';
import { FullNotice } from '../full-notice.tsx';
import { usePageTitle } from '../page-title.ts';
import { AuditPage } from './audit-page.tsx';
import { DeskContext, type DeskValue, useNow } from './desk-context.tsx';
import { ErasurePage } from './erasure-page.tsx';
import { HoldsPage } from './holds-page.tsx';
import { RetentionPage } from './retention-page.tsx';
import { SignInPage } from './sign-in-page.tsx';

const sections = ['audit', 'sign-in', 'retention', 'holds', 'erasure'] as const;
type Section = (typeof sections)[number];
const isSection = (name: string | undefined): name is Section => sections.some((section) => section === name);
const icons: Readonly<Record<Section, ReactNode>> = {
  audit: <ScrollText size={18} aria-hidden="true" />,
  'sign-in': <KeyRound size={18} aria-hidden="true" />,
  retention: <Clock size={18} aria-hidden="true" />,
  holds: <Scale size={18} aria-hidden="true" />,
  erasure: <Eraser size={18} aria-hidden="true" />,
};

/** The administrators' pages: one narrow list of sections, one calm column. */
export function Administration({ me }: { readonly me: Me }) {
  const { t } = useText();
  const [, params] = useRoute('/admin/:section');
  const [, go] = useLocation();
  const section = params?.section;
  usePageTitle(t('nav.admin'), 0);
  if (me.role === 'member') {
    return (
      <main className="admin-denied">
        <h1 className="sr-only">{t('nav.admin')}</h1>
        <Empty title={t('admin.denied')} text={t('admin.denied_text')} action={<Button onPress={() => go('/')}>{t('admin.back')}</Button>} />
      </main>
    );
  }
  if (!isSection(section)) return <Redirect to="/admin/audit" replace />;
  return <Pages me={me} section={section} onBack={() => go('/')} />;
}

function Pages({ me, section, onBack }: { readonly me: Me; readonly section: Section; readonly onBack: () => void }) {
  const { t } = useText();
  const app = useApp();
  useFreshPeople();
  const [asked] = useState(() => createStore<{ readonly list: readonly Asked[] }>(() => ({ list: [] })));
  const [desk] = useState(() => deskOf(app.actions));
  const waiting = stillOpen(useStore(asked, (now) => now.list), useNow()).length;
  const value: DeskValue = { desk, me, asked };
  return (
    <DeskContext value={value}>
      <div className="admin">
        <div className="tops">
          <FullNotice />
          <AuditAlarm link={false} />
        </div>
        <nav className="admin-nav" aria-label={t('admin.sections')}>
          <div className="admin-nav-head">
            <IconButton label={t('admin.back')} icon={<ArrowLeft size={20} aria-hidden="true" />} onPress={onBack} />
            <span className="admin-brand">{t('nav.admin')}</span>
          </div>
          <ul className="admin-links">
            {sections.map((name) => (
              <li key={name}>
                <Link href={`/admin/${name}`} className={`admin-link${name === section ? ' admin-link-here' : ''}`} {...(name === section ? { 'aria-current': 'page' as const } : {})}>
                  {icons[name]}
                  {t(`admin.${name}`)}
                  {name === 'erasure' && waiting > 0 ? <span className="badge">{waiting}</span> : null}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <main className="admin-body" key={section}>
          <div className="admin-column">
            {section === 'audit' ? <AuditPage /> : null}
            {section === 'sign-in' ? <SignInPage /> : null}
            {section === 'retention' ? <RetentionPage /> : null}
            {section === 'holds' ? <HoldsPage /> : null}
            {section === 'erasure' ? <ErasurePage /> : null}
          </div>
        </main>
      </div>
    </DeskContext>
  );
}
