/** Row of memory: what an idle signed-in connection costs beyond one of bare uWebSockets, each with 5,000 of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChildServer } from '../../test/harness/child-server.ts';
import { type CrowdMember, makeCrowd } from '../../test/harness/crowd.ts';
import { freePort } from '../../test/harness/free-port.ts';
import { startBareRelay } from './baselines.ts';
import { anonymousBytes } from './cpu.ts';
import { compareLess, type Row } from './report.ts';
import { Wire } from './wire.ts';

const connections = 5_000;
const people = 250;
const rounds = 5;
/** Opened at once. */
const batch = 100;
/** Open before the first look, so that what a process gives back after its start is no part of the growth. */
const warm = 1_000;
/** Until the collector and the allocator have given back what opening took. */
const settleMs = 12_000;
const kib = 1_024;
/** Kibibytes beyond bare. */
const targetKib = 8;

/** Kibibytes by which the process grows for each connection that `open` makes; some are open before it is looked at. */
async function growth(pid: number, open: (at: number) => Promise<Wire>): Promise<number> {
  const wires: Wire[] = [];
  const openUpTo = async (count: number): Promise<void> => {
    while (wires.length < count)
      wires.push(...(await Promise.all(Array.from({ length: batch }, (_, next) => open(wires.length + next)))));
  };
  await openUpTo(warm);
  await pause(settleMs);
  const before = anonymousBytes(pid);
  await openUpTo(connections);
  await pause(settleMs);
  const grown = anonymousBytes(pid) - before;
  const lost = wires.filter(({ socket }) => socket.closed).length;
  if (lost > 0) throw new Error(`${lost} of ${connections} connections were closed while they were idle`);
  for (const wire of wires) wire.close();
  return grown / (connections - warm) / kib;
}

async function ours(folder: string, members: readonly CrowdMember[]): Promise<number> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const server = await ChildServer.start({
    origin,
    dataFolder: folder,
    built: true,
    setupToken: 'setup-token-of-the-bench-0123456789',
  });
  try {
    return await growth(server.pid, async (at) => {
      const member = members[at];
      if (member === undefined) throw new Error('too few people');
      const wire = await Wire.open(port, '/api/v1/socket', { origin, cookie: member.cookie });
      await wire.greeted();
      return wire;
    });
  } finally {
    await server.kill();
  }
}

async function theirs(): Promise<number> {
  const bare = await startBareRelay('publish', 1);
  try {
    return await growth(bare.pid, async () => {
      const [wire] = await bare.wires(1);
      if (wire === undefined) throw new Error('no wire');
      return wire;
    });
  } finally {
    bare.stop();
  }
}

/** Each round with processes of its own: what an allocator keeps of one round is no part of the next. */
export async function idleRow(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'lanying-idle-'));
  try {
    const members = await makeCrowd({
      folder: join(folder, 'data'),
      people,
      sessionsEach: connections / people,
      together: people,
    });
    const own: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      own.push(await ours(join(folder, 'data'), members));
      bare.push(await theirs());
    }
    const name = `memory for each idle signed-in connection (${connections.toLocaleString('en')}), at most ${targetKib} KiB over bare`;
    const row = compareLess({ name, unit: 'KiB', ours: own, bare, target: targetKib });
    // What a bare process gives back of its start can be more than its connections take: no ratio says anything then.
    const over = row.value - row.baseline;
    return { ...row, ratio: over, ok: over <= targetKib };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
