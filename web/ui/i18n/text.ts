/** Visible text: every message has an explicit id, its wording stands in locales/*.po, compiled at build time. */
import { i18n } from '@lingui/core';
import { useSyncExternalStore } from 'react';

export type Values = Readonly<Record<string, string | number>>;
export interface Text {
  readonly locale: string;
  t(id: string, values?: Values): string;
}

const catalogs = {
  en: () => import('./locales/en.po'),
  'zh-CN': () => import('./locales/zh-CN.po'),
} as const;

/** Loads a language once and switches every mounted screen to it. */
export async function activate(locale: keyof typeof catalogs): Promise<void> {
  const { messages } = await catalogs[locale]();
  i18n.loadAndActivate({ locale, messages });
}

export const t = (id: string, values?: Values): string => i18n._(id, values === undefined ? undefined : { ...values });

const texts = new Map<string, Text>();
function current(): Text {
  let text = texts.get(i18n.locale);
  // One object for each language: its identity changes exactly when every text does.
  if (text === undefined) texts.set(i18n.locale, (text = { locale: i18n.locale, t }));
  return text;
}
const subscribe = (listener: () => void): (() => void) => i18n.on('change', listener);

export const useText = (): Text => useSyncExternalStore(subscribe, current);
