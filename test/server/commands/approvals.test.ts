import { expect, it } from 'vitest';
import { approvalLifetimeMs, approvalsPerPersonMax } from '#protocol/limits.ts';
import { codeOf, okay, password, type Peer, World } from './world.ts';

const part = (byte: number) => new Uint8Array(64).fill(byte);
const commitment = new Uint8Array(32).fill(9);

/** Signed in by password, and no device yet. */
async function newcomer(world: World, of: Peer): Promise<Peer> {
  const fresh = await world.stranger(of.handle);
  fresh.signedIn(await world.call('signIn.password', { handle: of.handle, password }));
  fresh.session = await world.sessionOf(fresh.sessionId);
  return fresh;
}

async function meeting() {
  const world = new World();
  const owner = await world.owner();
  const fresh = await newcomer(world, owner);
  const { code } = okay(await fresh.call('approval.open', { commitment }));
  return { world, owner, fresh, code };
}

it('[D7] passes each part on once, in order, between the two sessions that met', async () => {
  const { world, owner, fresh, code } = await meeting();
  const pass = async (by: Peer, byte: number) => codeOf(await by.call('approval.pass', { code, part: part(byte) }));
  expect(await pass(fresh, 1)).toBe('approval.unknown');
  expect(okay(await owner.call('approval.answer', { code })).commitment).toEqual(commitment);
  expect(await pass(fresh, 1)).toBe('approval.unknown');
  expect([await pass(owner, 2), await pass(owner, 3), await pass(fresh, 4), await pass(fresh, 5)]).toEqual([
    'ok',
    'approval.unknown',
    'ok',
    'approval.unknown',
  ]);
  expect([await pass(owner, 6), await pass(owner, 7)]).toEqual(['ok', 'approval.unknown']);
  const all = { answer: part(2), opening: part(4), grant: part(6), ended: false };
  for (const side of [owner, fresh]) expect(okay(await side.call('approval.get', { code }))).toEqual(all);
  const third = await world.secondDevice(owner);
  expect(codeOf(await third.call('approval.get', { code }))).toBe('approval.unknown');
  expect(codeOf(await third.call('approval.end', { code }))).toBe('approval.unknown');
  expect(codeOf(await third.call('approval.answer', { code }))).toBe('approval.unknown');
});

it('[D7] is over after its time, when somebody ends it, or when its session asks anew; others of the person are few', async () => {
  const { world, owner, fresh, code } = await meeting();
  const second = okay(await fresh.call('approval.open', { commitment }));
  expect(codeOf(await owner.call('approval.answer', { code }))).toBe('approval.unknown');
  okay(await owner.call('approval.answer', { code: second.code }));
  okay(await fresh.call('approval.end', { code: second.code }));
  expect(okay(await owner.call('approval.get', { code: second.code })).ended).toBe(true);
  expect(codeOf(await owner.call('approval.pass', { code: second.code, part: part(1) }))).toBe('approval.unknown');
  for (let asked = 1; asked < approvalsPerPersonMax; asked += 1)
    okay(await (await newcomer(world, owner)).call('approval.open', { commitment }));
  const last = await newcomer(world, owner);
  expect(codeOf(await last.call('approval.open', { commitment }))).toBe('approval.too_many');
  world.runtime.advance(approvalLifetimeMs);
  const { code: fourth } = okay(await last.call('approval.open', { commitment }));
  expect(codeOf(await owner.call('approval.get', { code: second.code }))).toBe('approval.unknown');
  world.runtime.advance(approvalLifetimeMs);
  expect(codeOf(await owner.call('approval.answer', { code: fourth }))).toBe('approval.unknown');
});

it('[D7] belongs to its person, and is taken up on a device only', async () => {
  const { world, owner, fresh, code } = await meeting();
  const other = await world.invited(owner, 'other');
  expect(codeOf(await other.call('approval.answer', { code }))).toBe('approval.unknown');
  expect(codeOf(await fresh.call('approval.answer', { code }))).toBe('device.required');
  expect(world.happenings.filter(({ kind }) => kind === 'approval')).toEqual([]);
});
