/** What peers leave unread, taken together ([L8]): the bound that no number of silent sockets goes beyond. */
import type { UserId } from '#protocol/ids.ts';
import { personUnreadBytesMax, unreadBytesMax } from '#protocol/limits.ts';
import type { LoadMeter } from '../ops/load.ts';

export interface Reader {
  readonly userId: UserId | null;
  readonly unreadBytes: number;
  cutOverload(): void;
}

interface Backlog {
  readonly reader: Reader;
  readonly bytes: number;
}

const sumOf = (backlogs: readonly Backlog[]): number => backlogs.reduce((sum, { bytes }) => sum + bytes, 0);

/** Those that leave the most, so many that at most half of `bytesMax` is left; none while it is not exceeded. */
function excess(backlogs: readonly Backlog[], bytesMax: number): readonly Backlog[] {
  let left = sumOf(backlogs);
  if (left <= bytesMax) return [];
  const chosen: Backlog[] = [];
  for (const backlog of backlogs.toSorted((a, b) => b.bytes - a.bytes)) {
    if (left <= bytesMax / 2) break;
    chosen.push(backlog);
    left -= backlog.bytes;
  }
  return chosen;
}

export interface UnreadBounds {
  readonly all: number;
  readonly person: number;
}

/** Cuts off who leaves too much unread: first within each person's share, so that nobody's silence costs another's socket. */
export function cutExcess(
  readers: readonly Reader[],
  load: Pick<LoadMeter, 'unread'>,
  bounds: UnreadBounds = { all: unreadBytesMax, person: personUnreadBytesMax },
): void {
  const backlogs = readers.map((reader) => ({ reader, bytes: reader.unreadBytes })).filter(({ bytes }) => bytes > 0);
  const people = new Map<UserId | null, Backlog[]>();
  for (const backlog of backlogs) {
    const own = people.get(backlog.reader.userId) ?? [];
    own.push(backlog);
    people.set(backlog.reader.userId, own);
  }
  const cut = new Set<Backlog>();
  for (const own of people.values()) for (const backlog of excess(own, bounds.person)) cut.add(backlog);
  const others = backlogs.filter((backlog) => !cut.has(backlog));
  for (const backlog of excess(others, bounds.all)) cut.add(backlog);
  for (const { reader } of cut) reader.cutOverload();
  load.unread(sumOf(backlogs) - sumOf([...cut]), cut.size);
}
