import { expect, it } from 'vitest';
import { Retry } from '../../../web/engine/retry.ts';
import { FakeRuntime } from '../../harness/runtime.ts';

function retrying() {
  const runtime = new FakeRuntime('retry');
  const looks: number[] = [];
  const retry = new Retry(runtime, () => looks.push(runtime.monotonic()));
  return { runtime, retry, looks };
}

it('[E13] looks once for however many troubles, later each time, and never more often than twice in two minutes in the end', () => {
  const { runtime, retry, looks } = retrying();
  for (let second = 0; second < 600; second += 1) {
    // A storm: a hundred conversations fail at once, again and again.
    for (let trouble = 0; trouble < 100; trouble += 1) retry.soon();
    expect(runtime.timers).toBeLessThanOrEqual(1);
    runtime.advance(1_000);
  }
  const gaps = looks.map((at, index) => at - (looks[index - 1] ?? 0));
  expect(gaps.slice(0, 1).every((gap) => gap >= 1_000 && gap <= 2_000)).toBe(true);
  expect(gaps.slice(6).every((gap) => gap >= 30_000 && gap <= 61_000)).toBe(true);
  expect(looks.length).toBeLessThan(30);
  expect(looks.length).toBeGreaterThan(12);
});

it('begins anew after calm and after a new connection', () => {
  const { runtime, retry, looks } = retrying();
  for (let trouble = 0; trouble < 5; trouble += 1) {
    retry.soon();
    runtime.advance(60_000);
  }
  runtime.advance(6 * 60_000);
  const before = looks.length;
  retry.soon();
  runtime.advance(2_000);
  expect(looks.length).toBe(before + 1);
  retry.soon();
  retry.stop();
  runtime.advance(120_000);
  expect(looks.length).toBe(before + 1);
  retry.soon();
  runtime.advance(2_000);
  expect(looks.length).toBe(before + 2);
});

it('spreads the devices that waited for the same thing', () => {
  const at = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((seed) => {
    const runtime = new FakeRuntime(seed);
    let looked = -1;
    new Retry(runtime, () => (looked = runtime.monotonic())).within(2_000);
    runtime.advance(2_000);
    return looked;
  });
  expect(at.every((each) => each >= 0 && each <= 2_000)).toBe(true);
  expect(new Set(at).size).toBeGreaterThan(4);
});
