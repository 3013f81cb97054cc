import { ShieldCheck, SlidersHorizontal } from 'lucide-react';
import { Suspense, useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { type PageOf, Pages } from '../components/pages.tsx';
import { useText } from '../i18n/text.ts';
import type { Me } from '../models/app.ts';
import { GeneralSettings } from './settings-general.tsx';
import { SecuritySettings } from './settings-security.tsx';
import { useWide } from './wide.ts';

/** A page for each matter. */
export type SettingsPage = 'general' | 'security';

export function Settings({ me, first = 'general', onClose }: { readonly me: Me; readonly first?: SettingsPage; readonly onClose: () => void }) {
  const { t } = useText();
  const [shown, setShown] = useState<SettingsPage>(first);
  const beside = useWide();
  const pages: readonly PageOf<SettingsPage>[] = [
    { id: 'general', label: t('settings.page.general'), icon: <SlidersHorizontal size={18} aria-hidden="true" />, content: <GeneralSettings me={me} /> },
    { id: 'security', label: t('settings.page.security'), icon: <ShieldCheck size={18} aria-hidden="true" />, content: <SecuritySettings /> },
  ];
  return (
    <Dialog title={t('nav.settings')} closeLabel={t('close')} onClose={onClose} wide>
      <Suspense fallback={null}>
        <Pages label={t('nav.settings')} pages={pages} shown={shown} onShow={setShown} beside={beside} />
      </Suspense>
    </Dialog>
  );
}
