/** Language and theme of this browser, kept in its local storage. */
import { createStore, type StoreApi } from 'zustand/vanilla';

export const locales = ['en', 'zh-CN'] as const;
export type Locale = (typeof locales)[number];
/** Each in itself, the same wherever one may choose. */
export const languageNames: Readonly<Record<Locale, string>> = { en: 'English', 'zh-CN': '简体中文' };
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
export interface Preferences {
  readonly locale: Locale;
  readonly theme: Theme;
  /** When the person last showed that the recovery code is kept, milliseconds; 0: never here, Infinity: asked and answered. */
  readonly recoveryKeptAt: number;
  /** The person has read that this browser may clear its storage. */
  readonly keepingSeen: boolean;
  /** Whether `?` alone opens the sheet of keys. */
  readonly questionKey: boolean;
}

/** The first language of the list that we speak; any Chinese gets zh-CN. */
export function detectLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const primary = language.toLowerCase().split('-')[0];
    if (primary === 'zh') return 'zh-CN';
    if (primary === 'en') return 'en';
  }
  return 'en';
}

const recoveryAskAfterMs = 30 * 86_400_000;
/** Nobody is asked about a code that they have just typed from paper. */
export const recoveryDue = (keptAt: number, now: number): boolean => now - keptAt >= recoveryAskAfterMs;

export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}
const within = <T extends string>(allowed: readonly T[], value: string | null): T | undefined => allowed.find((item) => item === value);

const keptAt = (stored: string | null): number => (stored === 'kept' ? Number.POSITIVE_INFINITY : Number(stored) || 0);

export function createPreferences(storage: KeyValue, languages: readonly string[]): StoreApi<Preferences> {
  const store = createStore<Preferences>(() => ({
    locale: within(locales, storage.getItem('lanying.locale')) ?? detectLocale(languages),
    theme: within(themes, storage.getItem('lanying.theme')) ?? 'system',
    recoveryKeptAt: keptAt(storage.getItem('lanying.recovery')),
    keepingSeen: storage.getItem('lanying.keeping') === 'seen',
    questionKey: storage.getItem('lanying.question_key') !== 'off',
  }));
  store.subscribe((now, before) => {
    if (now.locale !== before.locale) storage.setItem('lanying.locale', now.locale);
    if (now.theme !== before.theme) storage.setItem('lanying.theme', now.theme);
    if (now.recoveryKeptAt !== before.recoveryKeptAt) storage.setItem('lanying.recovery', Number.isFinite(now.recoveryKeptAt) ? String(now.recoveryKeptAt) : 'kept');
    if (now.keepingSeen && !before.keepingSeen) storage.setItem('lanying.keeping', 'seen');
    if (now.questionKey !== before.questionKey) storage.setItem('lanying.question_key', now.questionKey ? 'on' : 'off');
  });
  return store;
}
