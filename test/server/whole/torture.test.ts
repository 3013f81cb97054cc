/** The short form of `npm run torture`. */
import { expect, test } from 'vitest';
import { checkTimeline } from '../../../scripts/torture/people.ts';
import { Kill } from '../../../scripts/torture/plug.ts';
import { checkLog } from '../../../scripts/torture/raw-log.ts';
import { torture } from '../../../scripts/torture/torture.ts';
import { register, signIn } from '../../../web/sdk/index.ts';

const entry = (id: string, sequence: number) => ({ id, sequence });

test('[L5] the comparison sees what is lost, moved, doubled or left out', () => {
  const log = [entry('a', 1), entry('b', 2), entry('c', 3)];
  const acknowledged = new Map([
    ['b', 2],
    ['c', 3],
  ]);
  expect(() => checkLog(log, acknowledged)).not.toThrow();
  expect(() => checkLog(log.slice(0, 2), acknowledged)).toThrow('lost');
  expect(() => checkLog([entry('a', 1), entry('c', 2), entry('b', 3)], acknowledged)).toThrow('moved');
  expect(() => checkLog([...log, entry('b', 4)], acknowledged)).toThrow('doubled');
  expect(() => checkLog([entry('a', 1), entry('b', 2), entry('c', 4)], acknowledged)).toThrow('gap');
  const said = (id: string, sequence: number) => ({ id, sequence, text: id });
  const timeline = [said('a', 3), said('b', 5)];
  expect(() => checkTimeline(timeline, timeline.toReversed())).not.toThrow();
  expect(() => checkTimeline(timeline.slice(1), timeline)).toThrow('was delivered');
  expect(() => checkTimeline([...timeline, said('b', 5)], timeline)).toThrow('3 messages, 2');
});

const short = (rounds: number) => ({
  ...{ rounds, seed: 'short', clients: 4, moreMax: 100, people: 2, texts: 4, firstStarts: 1, built: false },
  ...{ sdk: { register, signIn }, say: () => undefined },
});

test(
  '[L5] [B2] killed under load again and again: nothing acknowledged is lost, doubled or moved, people converge, uploads go on',
  { timeout: 120_000 },
  async () => {
    const { acknowledged, stored, delivered, timelines, uploads } = await torture({ ...short(2), plug: new Kill() });
    expect(acknowledged).toBeGreaterThanOrEqual(40);
    expect(stored).toBeGreaterThan(acknowledged);
    expect([delivered, timelines]).toEqual([16, 3]);
    expect(uploads.whole).toBeGreaterThan(0);
  },
);
