/** An administrator's device and a server that shows another audit log than before. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as v from 'valibot';
import type { ServerFrame } from '#protocol/codec.ts';
import { commands, type Output } from '#protocol/commands/index.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, join, until } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

type Head = Output<'audit.head'>;

let server: TestServer;
let owner: Client;
const engines: HeadlessEngine[] = [];
beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** Joined, and past its first look at the log: every answer about it passes through `lie` from then on. */
async function admin(profile: MemoryProfile, lie: (head: Head, frame: ServerFrame) => ServerFrame) {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const first = new Promise<Head>((seen) => {
    let looks = 0;
    network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'audit.head') return [frame];
      const head = v.parse(commands['audit.head'].output, frame.output);
      looks += 1;
      seen(head);
      return [looks === 1 ? frame : lie(head, frame)];
    };
  });
  const engine = await engineOver(network, openMemoryStore(profile));
  engines.push(engine);
  await join(engine, 'admin', (await owner.createInvite({ role: 'admin' })).link);
  const { checkpoint } = await first;
  return { engine, network, push: () => network.tell({ kind: 'event', name: 'auditHead', payload: { checkpoint } }) };
}

const reasons = (engine: HeadlessEngine) => engine.snapshot().notices.flatMap((notice) => (notice.kind === 'audit_forked' ? [notice.reason] : []));

it.each<[string, (head: Head, frame: ServerFrame) => ServerFrame]>([
  ['cut', (_head, frame) => (frame.kind === 'answer' ? { kind: 'refusal', id: frame.id, code: 'audit.ahead', detail: {} } : frame)],
  ['forked', (head, frame) => (frame.kind === 'answer' ? { ...frame, output: { ...head, consistency: head.consistency.map((hash) => hash.map((byte) => byte ^ 1)) } } : frame)],
  ['key_changed', (head, frame) => (frame.kind === 'answer' ? { ...frame, output: { ...head, verifierKey: head.verifierKey.replace('localhost', 'elsewhere') } } : frame)],
  ['unsigned', (head, frame) => (frame.kind === 'answer' ? { ...frame, output: { ...head, checkpoint: head.checkpoint.replace(/\n\d+\n/, '\n9\n') } } : frame)],
])('[U7] says so loudly when the log is %s, and again after a restart', async (reason, lie) => {
  const profile = new MemoryProfile();
  const { engine, network, push } = await admin(profile, lie);
  await owner.createInvite();
  push();
  await until(engine, () => reasons(engine).length > 0);
  expect(reasons(engine)).toEqual([reason]);
  await engine.close();
  const again = await engineOver(network.honest, openMemoryStore(profile));
  engines.push(again);
  await until(again, () => reasons(again).length > 0);
  expect(reasons(again)).toEqual([reason]);
  expect(again.snapshot().audit).toMatchObject({ fault: reason });
  await expect(again.administer('checkAudit')).rejects.toMatchObject({ code: 'audit.contradicted', detail: { reason } });
});

it('[U7] is content with a log that goes on', async () => {
  let looks = 0;
  let looked: (() => void) | null = null;
  const { engine, push } = await admin(new MemoryProfile(), (_head, frame) => {
    looks += 1;
    if (looks === 4) looked?.();
    return frame;
  });
  const done = new Promise<void>((resolve) => (looked = resolve));
  for (let round = 0; round < 2; round += 1) {
    await owner.createInvite();
    push();
  }
  await done;
  expect(reasons(engine)).toEqual([]);
  const checked = await engine.administer('checkAudit');
  expect(checked).toMatchObject({ fault: null });
  expect(checked.size).toBeGreaterThan(5);
  expect(engine.snapshot().audit).toEqual(checked);
});

it('[U5] [U8] the SDK reads and exports the log', async () => {
  await owner.createInvite();
  const acts: string[] = [];
  for await (const { act, actor } of owner.audit.list({ actor: owner.me.userId })) {
    acts.push(act);
    expect(actor).toBe(owner.me.userId);
  }
  expect(acts).toEqual(['invite.created', 'account.created', 'setup.completed']);
  let text = '';
  for await (const piece of owner.audit.export('csv')) text += piece;
  expect(text.trimEnd().split('\r\n')).toHaveLength(5);
  await expect(owner.audit.list({ act: 'nonsense' }).next()).rejects.toMatchObject({ code: 'input.invalid', detail: { field: 'act' } });
});

it('[R5] a receipt that the pinned key did not sign is shown as such', async () => {
  const { engine, network } = await admin(new MemoryProfile(), (_head, frame) => frame);
  await owner.createInvite();
  const signature = new Uint8Array(64);
  const statement = JSON.stringify({ receiptId: 'A'.repeat(22), at: 1, ranges: [], others: [], proof: null });
  const before = network.lie;
  network.lie = (frame, command) =>
    frame.kind === 'answer' && command === 'retention.receipts'
      ? [{ ...frame, output: { receipts: [{ receiptId: 'A'.repeat(22), at: 1, statement, signature }], more: false } }]
      : before(frame, command);
  const { receipts } = await engine.administer('receipts', null);
  expect(receipts.map(({ verified, receipt }) => [verified, receipt?.at])).toEqual([[false, 1]]);
});
