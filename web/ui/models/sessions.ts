/** One's own sign-ins, as a list of them reads. */
import type { AskedOutput } from './app.ts';
import { dayLabel } from './time.ts';

export type SessionItem = AskedOutput<'session.list'>['sessions'][number];

/** "Chrome · Linux", or what is known of it; null when nothing is. */
export function sessionName({ browser, system }: Pick<SessionItem, 'browser' | 'system'>): string | null {
  const known = [browser, system].filter((part) => part !== null);
  return known.length === 0 ? null : known.join(' · ');
}

/** Text id and values of how and when it was begun. */
export function sessionBegun({ factor, createdAt }: SessionItem, now: number, locale: string): { readonly id: string; readonly values: { readonly when: string } } {
  return { id: `sessions.begun.${factor ?? 'unknown'}`, values: { when: dayLabel(createdAt, now, locale) } };
}
