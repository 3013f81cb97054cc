/** Dates as people read them, in the chosen language and the clock of this device. All inputs are milliseconds. */

const formats = new Map<string, Intl.DateTimeFormat>();
function format(locale: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(locale, options);
    formats.set(key, found);
  }
  return found;
}

const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** Whole calendar days from `at` to `now` on this device's calendar; a day of 23 or 25 hours counts as one. */
export const daysBetween = (at: number, now: number): number => Math.round((midnight(now) - midnight(at)) / 86_400_000);

/** A name of the calendar day, equal for two moments of one day. */
export function dayKey(at: number): string {
  const day = new Date(at);
  return `${day.getFullYear()}-${day.getMonth() + 1}-${day.getDate()}`;
}

export const clock = (at: number, locale: string): string =>
  format(locale, 'clock', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);

function relativeDay(days: number, locale: string): string {
  const text = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day');
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}

/** For the list: the clock today, "Yesterday", a weekday within a week, else the date. */
export function listTime(at: number, now: number, locale: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) return clock(at, locale);
  if (days === 1) return relativeDay(1, locale);
  if (days < 7) return format(locale, 'weekday', { weekday: 'short' }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format(locale, 'day', { month: 'short', day: 'numeric' }).format(at)
    : format(locale, 'date', { year: 'numeric', month: 'numeric', day: 'numeric' }).format(at);
}

/** For a day separator: "Today", "Yesterday", a weekday with date, or a date with year. */
export function dayLabel(at: number, now: number, locale: string): string {
  const days = daysBetween(at, now);
  if (days === 0 || days === 1) return relativeDay(days, locale);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format(locale, 'long-day', { weekday: 'long', month: 'long', day: 'numeric' }).format(at)
    : format(locale, 'long-date', { year: 'numeric', month: 'long', day: 'numeric' }).format(at);
}

/** To the second, where two things of one minute must be told apart. */
export const exactTime = (at: number, locale: string): string =>
  format(locale, 'exact', { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at);

export const dateTime = (at: number, locale: string): string =>
  format(locale, 'full', { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
