/**
 * Whether a schedule came due since a job last ran, whatever happened between: downtime of any length gives one run.
 * Cron expressions are matched against the local time of a zone, minute by minute; the hour that a clock skips in spring
 * is looked at like any other, and the hour that it repeats in autumn counts once.
 */
import { createTask } from 'node-cron';

const minuteMs = 60_000;
/** Further back than this nothing is looked at: any schedule that we have came due in that time. */
const minutesMax = 40 * 24 * 60;

/** Local time of an instant, as if it were UTC, to the minute. */
export function localMinute(zone: string, at: number): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute')) / minuteMs;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(zone, made);
  return made;
}

export class Schedule {
  readonly #matches: (localMinute: number) => boolean;
  readonly #zone: string;
  /** Nothing was on the schedule from `last` up to `clear`: a look a minute later looks at one minute. */
  #looked = { last: Infinity, clear: -Infinity };

  /** Throws for an expression that is not one. */
  constructor(crons: readonly string[], zone: string) {
    const tasks = crons.map((cron) => createTask(cron, () => undefined, { timezone: 'UTC' }));
    this.#zone = zone;
    this.#matches = (minute) => tasks.some((task) => task.match(new Date(minute * minuteMs)));
  }

  /** Whether a minute behind `lastRunAt`, up to `now`, is on the schedule. A last run in the future (the clock went back) counts as now. */
  isDue(lastRunAt: number, now: number): boolean {
    const last = localMinute(this.#zone, Math.min(lastRunAt, now));
    const present = localMinute(this.#zone, now);
    const clear = this.#looked.last === last ? Math.max(last, this.#looked.clear) : last;
    for (let minute = present; minute > Math.max(clear, present - minutesMax); minute -= 1)
      if (this.#matches(minute)) return true;
    this.#looked = { last, clear: Math.max(clear, present) };
    return false;
  }
}
