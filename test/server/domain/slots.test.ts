import { expect, it } from 'vitest';
import { Slots } from '../../../server/domain/slots.ts';
import { deferred } from '../../harness/door.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it('[A6] runs a few at a time, lets a few wait in order, and turns the rest away at once', async () => {
  const slots = new Slots(2, 3);
  const gates = Array.from({ length: 6 }, () => deferred());
  const begun: number[] = [];
  const runs = gates.map((gate, index) =>
    slots.run(async () => {
      begun.push(index);
      await gate.opened;
      return index;
    }),
  );
  await turn();
  expect(begun).toEqual([0, 1]);
  expect(runs[5]).toBeNull();
  gates[1]?.open();
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.open();
  expect(await Promise.all(runs.map(async (run) => run))).toEqual([0, 1, 2, 3, 4, null]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(await slots.run(async () => 'again')).toBe('again');
});

it('gives the slot back when the work fails', async () => {
  const slots = new Slots(1, 1);
  const failed = slots.run(() => Promise.reject(new Error('no')));
  const next = slots.run(async () => 'next');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('next');
});
