import { Component, lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Redirect, useLocation } from 'wouter';
import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { grantOf } from '../models/account.ts';
import type { AccountView, Grant } from '../models/app.ts';
import { useApp, usePreferences, useSnapshot } from './context.tsx';
import { Door } from './door.tsx';
import { Main } from './main.tsx';

const AccountFlow = lazy(() => import('./account-flow.tsx').then((module) => ({ default: module.AccountFlow })));
const NoGrant = lazy(() => import('./account-flow.tsx').then((module) => ({ default: module.NoGrant })));
const SignIn = lazy(() => import('./sign-in.tsx').then((module) => ({ default: module.SignIn })));
const Unlock = lazy(() => import('./sign-in.tsx').then((module) => ({ default: module.Unlock })));

/** Whatever breaks in a screen: drafts and messages live in models and engine, so a fresh screen continues. */
class Boundary extends Component<{ readonly children: ReactNode }, { readonly broken: boolean; readonly round: number }> {
  override state = { broken: false, round: 0 };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  again = (): void => {
    // A second time it is the code itself, for example a part of the screen that a newer server no longer has.
    if (this.state.round > 0) location.reload();
    else this.setState({ broken: false, round: 1 });
  };
  override render() {
    if (this.state.broken) return <Crash onReload={this.again} />;
    return <div className="boundary" key={this.state.round}>{this.props.children}</div>;
  }
}

function Crash({ onReload }: { readonly onReload: () => void }) {
  const { t } = useText();
  return (
    <Door title={t('crash.title')}>
      <p className="door-text">{t('crash.text')}</p>
      <Button kind="primary" onPress={onReload}>
        {t('crash.reload')}
      </Button>
    </Door>
  );
}

/** Theme and language of the document follow the preferences. */
function useDocument(): void {
  const { locale, t } = useText();
  const theme = useStore(usePreferences(), (now) => now.theme);
  useEffect(() => {
    document.documentElement.lang = locale;
    document.title = t('brand');
  }, [locale, t]);
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
}

export function App() {
  const { locale } = useText();
  useDocument();
  return (
    <I18nProvider locale={locale}>
      <Boundary>
        <Suspense fallback={null}>
          <Screens />
        </Suspense>
      </Boundary>
    </I18nProvider>
  );
}

function Screens() {
  const { t } = useText();
  const app = useApp();
  const host = useStore(app.host, (now) => now.state);
  const account = useSnapshot((now) => now.account);
  if (host === 'elsewhere') {
    return (
      <Door title={t('start.elsewhere')}>
        <p className="door-text">{t('start.elsewhere_text')}</p>
        <Button kind="primary" onPress={app.takeOver}>
          {t('start.use_here')}
        </Button>
      </Door>
    );
  }
  if (host === 'failed') {
    return (
      <Door title={t('start.failed')}>
        <p className="door-text">{t('start.failed_text')}</p>
        <Button kind="primary" onPress={() => location.reload()}>
          {t('start.reload')}
        </Button>
      </Door>
    );
  }
  if (host === 'connecting' || account.state === 'starting') return <Waiting text={t('start.opening')} />;
  return <Account account={account} />;
}

type Settled = Exclude<AccountView, { state: 'starting' }>;

function Account({ account }: { readonly account: Settled }) {
  const [path, go] = useLocation();
  // The token stays in memory only: a link with it must not remain in the address bar or the history.
  const [grant] = useState<Grant | null>(() => grantOf(location.pathname, location.hash));
  useEffect(() => {
    if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
  }, []);
  const joining = path === '/setup' || path === '/join';
  switch (account.state) {
    case 'ready':
      return joining || path === '/signin' ? <Redirect to="/" replace /> : <Main me={account.me} />;
    case 'vault-locked':
      return <Unlock name={account.displayName} passkey={account.passkeyCanUnlock} />;
    case 'signed-out':
      if (joining && grant !== null) return <AccountFlow grant={grant} lengthMin={account.passwordLengthMin} onSignIn={() => go('/signin')} />;
      if (account.setupNeeded) return <NoGrant reason="needs_setup" onSignIn={() => go('/signin')} />;
      if (joining) return <NoGrant reason="grant.none" onSignIn={() => go('/signin')} />;
      return path === '/signin' ? <SignIn ended={account.reason === 'session_ended'} /> : <Redirect to="/signin" replace />;
  }
}
