/** The short form of `npm run torture`. */
import { expect, test } from 'vitest';
import { checkTimeline } from '../../../scripts/torture/people.ts';
import { Kill, PowerCut } from '../../../scripts/torture/plug.ts';
import { searchAfterPurge } from '../../../scripts/torture/purged.ts';
import { checkLog } from '../../../scripts/torture/raw-log.ts';
import { torture } from '../../../scripts/torture/torture.ts';
import { register, signIn } from '../../../web/sdk/index.ts';
import { whyNoPowerCuts } from '../../harness/loop-volume.ts';

const noPower = await whyNoPowerCuts();
if (noPower !== null)
  process.stderr.write(
    `SKIPPED: power cuts need Linux, root, loop devices, mkfs.ext4 and perl; not possible here: ${noPower}\n`,
  );

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

test.skipIf(noPower !== null)('[L5] [B2] the power cut under load: the same holds', { timeout: 120_000 }, async () => {
  const plug = new PowerCut(256, 'plain');
  const { acknowledged, delivered, timelines } = await torture({ ...short(2), plug });
  expect(acknowledged).toBeGreaterThanOrEqual(40);
  expect([delivered, timelines]).toEqual([16, 3]);
});

test.skipIf(noPower !== null)(
  '[R3] after a purge and a power cut the raw image has no key of what was purged, and with discard none of its ciphertext',
  { timeout: 120_000 },
  async () => {
    const size = { mebibytes: 128, messages: 100, files: 2, seed: 'short', built: false, sdk: { register, signIn } };
    const { image } = await searchAfterPurge({ ...size, option: 'discard' });
    expect([image.get('records'), image.get('data keys'), image.get('key-encryption key')]).toEqual([0, 0, 0]);
    expect(image.get('what stays')).toBeGreaterThan(100);
  },
);
