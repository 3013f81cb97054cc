import { expect, test } from 'vitest';
import type { UserId } from '#protocol/ids.ts';
import { personUnreadBytesMax, unreadBytesMax } from '#protocol/limits.ts';
import { cutExcess, type Reader } from '../../../server/session/unread.ts';
import { randomId } from '../../harness/door.ts';

class Silent implements Reader {
  cut = false;
  constructor(
    readonly userId: UserId | null,
    readonly size: number,
  ) {}
  get unreadBytes(): number {
    return this.cut ? 0 : this.size;
  }
  cutOverload(): void {
    this.cut = true;
  }
}

const told: [number, number][] = [];
const ops = { unread: (bytes: number, cut: number) => void told.push([bytes, cut]) };
const mib = 1024 * 1024;
const sum = (readers: readonly Silent[]): number => readers.reduce((all, { unreadBytes }) => all + unreadBytes, 0);

test('[Q3] one person whose sockets read nothing loses those that leave the most, and nobody else any', () => {
  const silent = randomId<UserId>();
  const own = Array.from({ length: 200 }, (_, at) => new Silent(silent, (at % 2) * mib + mib));
  const others = Array.from({ length: 100 }, () => new Silent(randomId<UserId>(), mib));
  cutExcess([...own, ...others], ops);
  expect(others.some(({ cut }) => cut)).toBe(false);
  expect(sum(own)).toBeLessThanOrEqual(personUnreadBytesMax / 2);
  expect(own.filter(({ cut, size }) => !cut && size === 2 * mib)).toEqual([]);
  expect(told.at(-1)).toEqual([sum([...own, ...others]), own.filter(({ cut }) => cut).length]);
});

test('[Q3] 5,000 people who read nothing together stay within the bound; below it nobody is cut off', () => {
  const few = Array.from({ length: 255 }, () => new Silent(randomId<UserId>(), mib));
  cutExcess(few, ops);
  expect(few.some(({ cut }) => cut)).toBe(false);
  const many = Array.from({ length: 5_000 }, () => new Silent(randomId<UserId>(), mib));
  cutExcess(many, ops);
  expect(sum(many)).toBeLessThanOrEqual(unreadBytesMax / 2);
  expect(many.filter(({ cut }) => !cut).length).toBeGreaterThan(100);
});
