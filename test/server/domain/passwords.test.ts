import { expect, it } from 'vitest';
import { passwordsWaitingMax, passwordsWorkingMax } from '../../../server/domain/passwords.ts';
import { codeOf, password, World } from '../commands/world.ts';

it('[A6] [A4] a flood of sign-ins from many addresses does bounded work; the others are told to wait', async () => {
  const world = new World();
  await world.owner();
  const within = passwordsWorkingMax + passwordsWaitingMax;
  const tries = Array.from({ length: within + 5 }, (_, at) =>
    world.call('signIn.password', { handle: `nobody${at}`, password }, { address: `198.51.100.${at}` }),
  );
  const replies = await Promise.all(tries);
  expect(replies.filter((reply) => codeOf(reply) === 'sign_in.failed')).toHaveLength(within);
  const limited = replies.filter((reply) => codeOf(reply) === 'rate.limited');
  expect(limited).toHaveLength(5);
  expect(limited.every(({ result }) => !result.ok && (result.detail?.retryAfterMs ?? 0) > 0)).toBe(true);
  expect(codeOf(await world.call('signIn.password', { handle: 'owner', password }))).toBe('ok');
});
