import { Component, lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Redirect, useLocation } from 'wouter';
import { useStore } from 'zustand';
import { Button } from '../components/button.tsx';
import { Waiting } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { forgetGrant, grantOf, resetToken, tabGrant } from '../models/account.ts';
import type { AccountView, Grant, Me } from '../models/app.ts';
import { useApp, usePreferences, useSnapshot } from './context.tsx';
import { Door } from './door.tsx';
import { Main } from './main.tsx';

const StepUp = lazy(() => import('./step-up.tsx').then((module) => ({ default: module.StepUp })));
const Restricted = lazy(() => import('./restricted.tsx').then((module) => ({ default: module.Restricted })));
const ResetPassword = lazy(() => import('./reset.tsx').then((module) => ({ default: module.ResetPassword })));
const AccountFlow = lazy(() => import('./account-flow.tsx').then((module) => ({ default: module.AccountFlow })));
const NoGrant = lazy(() => import('./account-flow.tsx').then((module) => ({ default: module.NoGrant })));
const Administration = lazy(() => import('./admin/administration.tsx').then((module) => ({ default: module.Administration })));
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
  const { locale } = useText();
  const theme = useStore(usePreferences(), (now) => now.theme);
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
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
  const must = useSnapshot((now) => now.must) ?? null;
  // It stays until it is done: recovery codes may still be on the screen when nothing stands in the way any more.
  const [first, setFirst] = useState(must);
  if (must !== null && must !== first) setFirst(must);
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
  if (first !== null && account.state !== 'signed-out') return <Restricted must={first} done={must === null} onDone={() => setFirst(null)} />;
  if (host === 'connecting' || account.state === 'starting') return <Waiting text={t('start.opening')} />;
  return <Account account={account} />;
}

/**
 * The token of a set-up or invite link: never left in the address bar or the history, kept by this tab so that a reload
 * goes on with it, and forgotten once it was used.
 */
function useGrant(used: boolean): Grant | null {
  const [grant, setGrant] = useState<Grant | null>(() => tabGrant(sessionStorage, location.pathname, location.hash));
  useEffect(() => {
    const strip = (): void => {
      if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
    };
    // Another link of the same page, put into the address bar, loads nothing anew.
    const opened = (): void => {
      if (grantOf(location.pathname, location.hash) === null) return;
      setGrant(tabGrant(sessionStorage, location.pathname, location.hash));
      strip();
    };
    strip();
    window.addEventListener('hashchange', opened);
    return () => window.removeEventListener('hashchange', opened);
  }, []);
  useEffect(() => {
    if (!used) return;
    forgetGrant(sessionStorage);
    setGrant(null);
  }, [used]);
  return grant;
}

function Home({ me, came, path }: { readonly me: Me; readonly came: boolean; readonly path: string }) {
  return (
    <>
      {path === '/admin' || path.startsWith('/admin/') ? <Administration me={me} /> : <Main me={me} came={came} />}
      <StepUp />
    </>
  );
}

type Settled = Exclude<AccountView, { state: 'starting' }>;

function Account({ account }: { readonly account: Settled }) {
  const [path, go] = useLocation();
  const grant = useGrant(account.state !== 'signed-out');
  // Somebody who just came in had the focus on a form that is gone; a page that loads keeps its first tab stop.
  const [came, setCame] = useState(false);
  if (!came && account.state !== 'ready') setCame(true);
  const [reset, setReset] = useState(() => resetToken(location.pathname, location.hash));
  useEffect(() => {
    if (reset !== null && location.hash !== '') history.replaceState(history.state, '', location.pathname);
  }, [reset]);
  const joining = path === '/setup' || path === '/join';
  switch (account.state) {
    case 'ready':
      return joining || path === '/signin' ? <Redirect to="/" replace /> : <Home me={account.me} came={came} path={path} />;
    case 'vault-locked':
      return <Unlock name={account.displayName} handle={account.handle} passkey={account.passkeyCanUnlock} />;
    case 'signed-out':
      if (reset !== null)
        return (
          <ResetPassword
            token={reset}
            onDone={() => {
              setReset(null);
              go('/signin');
            }}
          />
        );
      if (joining && grant !== null) return <AccountFlow key={grant.token} grant={grant} lengthMin={account.passwordLengthMin} onSignIn={() => go('/signin')} />;
      if (account.setupNeeded) return <NoGrant reason="needs_setup" onSignIn={() => go('/signin')} />;
      if (joining) return <NoGrant reason="grant.none" onSignIn={() => go('/signin')} />;
      return path === '/signin' ? <SignIn ended={account.reason === 'session_ended'} /> : <Redirect to="/signin" replace />;
  }
}
