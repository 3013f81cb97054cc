import { type ReactNode, useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { Mark } from '../components/mark.tsx';
import { useText } from '../i18n/text.ts';
import { languageNames, locales } from '../models/preferences.ts';
import { usePreferences } from './context.tsx';
import { usePageTitle } from './page-title.ts';

/** The frame of every screen before the conversations. The heading takes the focus when a step changes. */
export function Door({ title, step, children }: { readonly title: string; readonly step?: string; readonly children: ReactNode }) {
  const { t } = useText();
  const preferences = usePreferences();
  usePageTitle(title);
  const locale = useStore(preferences, (now) => now.locale);
  const frame = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A new step begins at its top, wherever the one before was left.
    frame.current?.scrollTo({ top: 0 });
    const active = document.activeElement;
    if (active === null || active === document.body) heading.current?.focus();
  }, [title]);
  return (
    <div className="door" ref={frame}>
      <header className="door-head">
        <span className="brand">
          <Mark />
          {t('brand')}
        </span>
        <div className="languages">
          {locales.map((item) => (
            <button key={item} type="button" lang={item} className="language" aria-pressed={item === locale} onClick={() => preferences.setState({ locale: item })}>
              {languageNames[item]}
            </button>
          ))}
        </div>
      </header>
      <main className="door-card">
        {step === undefined ? null : <p className="door-step">{step}</p>}
        <h1 className="door-title" tabIndex={-1} ref={heading}>
          {title}
        </h1>
        {children}
      </main>
    </div>
  );
}
