/** One's own sign-ins, as a list of them reads. */
import type { AskedOutput } from './app.ts';
import { dateTime } from './time.ts';

export type SessionItem = AskedOutput<'session.list'>['sessions'][number];

/** "Chrome · Linux", or what is known of it; null when nothing is. */
export function sessionName({ browser, system }: Pick<SessionItem, 'browser' | 'system'>): string | null {
  const known = [browser, system].filter((part) => part !== null);
  return known.length === 0 ? null : known.join(' · ');
}

/** Text id and values of how and when it was begun. */
export function sessionBegun({ factor, createdAt }: SessionItem, locale: string): { readonly id: string; readonly values: { readonly when: string } } {
  return { id: `sessions.begun.${factor ?? 'unknown'}`, values: { when: dateTime(createdAt, locale) } };
}
