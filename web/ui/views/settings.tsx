import { DatabaseZap, LifeBuoy, MonitorSmartphone, ShieldCheck, SlidersHorizontal } from 'lucide-react';
import { Suspense, useState } from 'react';
import { Dialog } from '../components/dialog.tsx';
import { type PageOf, Pages } from '../components/pages.tsx';
import { useText } from '../i18n/text.ts';
import type { Me } from '../models/app.ts';
import { DeviceSettings } from './settings-devices.tsx';
import { MyData } from './my-data.tsx';
import { GeneralSettings } from './settings-general.tsx';
import { SecuritySettings } from './settings-security.tsx';
import { VaultSettings } from './settings-vault.tsx';
import { useWide } from './wide.ts';

/** A page for each matter. */
export type SettingsPage = 'general' | 'security' | 'devices' | 'vault' | 'data';

interface SettingsProps {
  readonly me: Me;
  readonly first?: SettingsPage;
  /** Of a new device that asks to be let in, from a link that was scanned. */
  readonly code?: string | null;
  readonly onClose: () => void;
}

export function Settings({ me, first = 'general', code = null, onClose }: SettingsProps) {
  const { t } = useText();
  const [shown, setShown] = useState<SettingsPage>(first);
  const beside = useWide();
  const pages: readonly PageOf<SettingsPage>[] = [
    { id: 'general', label: t('settings.page.general'), icon: <SlidersHorizontal size={18} aria-hidden="true" />, content: <GeneralSettings me={me} /> },
    { id: 'security', label: t('settings.page.security'), icon: <ShieldCheck size={18} aria-hidden="true" />, content: <SecuritySettings me={me} /> },
    { id: 'devices', label: t('settings.page.devices'), icon: <MonitorSmartphone size={18} aria-hidden="true" />, content: <DeviceSettings code={code} /> },
    { id: 'vault', label: t('settings.page.vault'), icon: <LifeBuoy size={18} aria-hidden="true" />, content: <VaultSettings me={me} /> },
    { id: 'data', label: t('data.title'), icon: <DatabaseZap size={18} aria-hidden="true" />, content: <MyData me={me} /> },
  ];
  return (
    <Dialog title={t('nav.settings')} closeLabel={t('close')} onClose={onClose} wide>
      <Suspense fallback={null}>
        <Pages label={t('nav.settings')} pages={pages} shown={shown} onShow={setShown} beside={beside} />
      </Suspense>
    </Dialog>
  );
}
