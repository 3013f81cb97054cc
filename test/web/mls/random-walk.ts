import {
  commit,
  createGroup,
  deserialize,
  epochAuthenticator,
  exportSecret,
  groupInfo,
  joinByExternalCommit,
  joinByWelcome,
  type GroupState,
  members,
  ownLeaf,
  processCommit,
  serialize,
  type SuiteId,
  type MadeKeyPackage,
} from '../../../web/engine/mls/index.ts';
import { accept, type Device, hex, newDevice, type Seat } from './people.ts';

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Walk {
  readonly random: () => number;
  readonly suite: SuiteId;
  readonly devices: readonly Device[];
  seats: Seat[];
}

function pick<T>(walk: Walk, items: readonly T[]): T {
  const item = items[Math.floor(walk.random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

function some<T>(walk: Walk, items: readonly T[], max: number): T[] {
  const left = [...items];
  const chosen: T[] = [];
  const count = Math.min(left.length, 1 + Math.floor(walk.random() * max));
  while (chosen.length < count) chosen.push(...left.splice(Math.floor(walk.random() * left.length), 1));
  return chosen;
}

const outside = (walk: Walk): Device[] => walk.devices.filter((device) => walk.seats.every((seat) => seat.device !== device));

/** Everybody but the committer follows; a removed one must learn just that. */
async function follow(walk: Walk, bytes: Uint8Array, except: Device, removed: readonly Device[]): Promise<void> {
  const staying: Seat[] = [];
  for (const seat of walk.seats) {
    if (seat.device === except) continue;
    const result = await processCommit(seat.state, bytes, seat.device.ctx, accept);
    if (result.selfRemoved !== removed.includes(seat.device))
      throw new Error(`${seat.device.name}: selfRemoved ${result.selfRemoved}`);
    if (!result.selfRemoved) staying.push({ device: seat.device, state: result.next });
  }
  walk.seats = staying;
}

async function memberCommit(walk: Walk, adds: readonly Device[], removes: readonly Seat[]): Promise<void> {
  const committer = pick(
    walk,
    walk.seats.filter((seat) => !removes.includes(seat)),
  );
  const packages: [Device, MadeKeyPackage][] = [];
  for (const device of adds) packages.push([device, await device.keyPackage(walk.suite)]);
  const made = await commit(
    committer.state,
    { add: packages.map(([, { publicBytes }]) => publicBytes), remove: removes.map(({ state }) => ownLeaf(state)) },
    committer.device.ctx,
  );
  await follow(
    walk,
    made.commit,
    committer.device,
    removes.map(({ device }) => device),
  );
  walk.seats.push({ device: committer.device, state: made.next });
  for (const [device, keyPackage] of packages) {
    if (made.welcome === null) throw new Error('a welcome is missing');
    walk.seats.push({ device, state: await joinByWelcome(made.welcome, keyPackage, device.ctx) });
  }
}

async function externalJoin(walk: Walk, device: Device): Promise<void> {
  const helper = pick(
    walk,
    walk.seats.filter((seat) => seat.device !== device),
  );
  const info = await groupInfo(helper.state, helper.device.signer);
  const made = await joinByExternalCommit(info, { credential: device.credential }, device.ctx);
  const old = walk.seats.filter((seat) => seat.device === device);
  for (const seat of old) {
    const seen = await processCommit(seat.state, made.commit, device.ctx, accept);
    if (!seen.selfRemoved) throw new Error('the replaced state does not know that it was removed');
  }
  await follow(walk, made.commit, device, []);
  walk.seats.push({ device, state: made.next });
}

async function step(walk: Walk): Promise<string> {
  const free = outside(walk);
  const dice = walk.random();
  if (dice < 0.25 && free.length > 0) {
    await memberCommit(walk, some(walk, free, 4), []);
    return 'add';
  }
  if (dice < 0.45 && walk.seats.length > 2) {
    await memberCommit(walk, [], some(walk, walk.seats, Math.min(4, walk.seats.length - 2)));
    return 'remove';
  }
  if (dice < 0.6 && free.length > 0 && walk.seats.length > 2) {
    await memberCommit(walk, some(walk, free, 3), some(walk, walk.seats, Math.min(3, walk.seats.length - 2)));
    return 'add and remove';
  }
  if (dice < 0.67 && walk.seats.length > 2) {
    // A device that lost its state: its old leaf goes and a new one comes in the same commit.
    const lost = pick(walk, walk.seats);
    await memberCommit(walk, [lost.device], [lost]);
    return 'replace';
  }
  if (dice < 0.76 && free.length > 0) {
    await externalJoin(walk, pick(walk, free));
    return 'external join';
  }
  if (dice < 0.82 && walk.seats.length > 1) {
    await externalJoin(walk, pick(walk, walk.seats).device);
    return 'resync';
  }
  if (dice < 0.88) {
    const seat = pick(walk, walk.seats);
    seat.state = deserialize(serialize(seat.state));
    return 'reload';
  }
  await memberCommit(walk, [], []);
  return 'update';
}

async function summary(state: GroupState): Promise<string> {
  const secret = await exportSecret(state, 'lanying content 1', new Uint8Array([1]), 32);
  const list = members(state).map(({ leaf, credential, signatureKey }) => `${leaf}:${hex(credential)}:${hex(signatureKey)}`);
  return `${hex(epochAuthenticator(state))} ${hex(secret)} ${list.join(',')}`;
}

/** Walks `steps` steps; throws with seed and step at the first disagreement or failure. Returns what was done how often. */
export async function walkRandomly(options: {
  seed: number;
  steps: number;
  devices: number;
  suite: SuiteId;
}): Promise<Map<string, number>> {
  const { seed, steps, suite } = options;
  const devices = await Promise.all(Array.from({ length: options.devices }, (_, index) => newDevice(`device ${index}`)));
  const first = devices[0];
  if (first === undefined) throw new Error('no devices');
  const state = await createGroup({
    groupId: new Uint8Array([seed & 0xff]),
    suite,
    credential: first.credential,
    signer: first.signer,
  });
  const walk: Walk = { random: seeded(seed), suite, devices, seats: [{ device: first, state }] };
  const counts = new Map<string, number>();
  await memberCommit(walk, devices.slice(1, 8), []);
  for (let index = 0; index < steps; index += 1) {
    try {
      const done = await step(walk);
      counts.set(done, (counts.get(done) ?? 0) + 1);
      const views = new Set(await Promise.all(walk.seats.map((seat) => summary(seat.state))));
      if (views.size !== 1) throw new Error(`members disagree after ${done}`);
    } catch (cause) {
      throw new Error(`seed ${seed}, step ${index}: ${String(cause)}`, { cause });
    }
  }
  return counts;
}
