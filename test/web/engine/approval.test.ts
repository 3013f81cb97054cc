/** An old device lets a new one in; a server between them is seen. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { checkOf, commitmentOf, makeSide } from '../../../web/engine/vault/approval-check.ts';
import { MemoryProfile, openMemoryStore } from '../../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../../web/platform/node/network.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';
import type { HeadlessEngine } from '../../../web/sdk/engine.ts';
import type { Client } from '../../../web/sdk/index.ts';
import { engineOver, entered, hears, idOf, join, refusal, textsOf, until } from '../../harness/devices.ts';
import { LyingNetwork } from '../../harness/lying-network.ts';
import { makeOwner, passwordOf } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

interface Device {
  readonly engine: HeadlessEngine;
  readonly network: LyingNetwork;
}
let server: TestServer;
let owner: Client;
let ada: Device;
let bob: Device;
const engines: HeadlessEngine[] = [];

async function device(): Promise<Device> {
  const network = new LyingNetwork(nodeNetwork(server.origin));
  const engine = await engineOver(network, openMemoryStore(new MemoryProfile()));
  engines.push(engine);
  return { engine, network };
}

beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, 'owner');
  [ada, bob] = [await device(), await device()];
  await join(ada.engine, 'ada', (await owner.createInvite()).link);
  await join(bob.engine, 'bob', (await owner.createInvite()).link);
  await ada.engine.refreshPeople();
});
afterEach(async () => {
  await Promise.all([...engines.splice(0), owner].map((each) => each.close()));
  await server.remove();
});

/** Bob's new browser, signed in and asking; gives the code that it shows. */
async function asking(): Promise<{ readonly fresh: Device; readonly code: string }> {
  const fresh = await device();
  await fresh.engine.signInWithPassword('bob', passwordOf('bob'), 'new laptop');
  await until(fresh.engine, ({ account: { state } }) => state === 'vault-locked');
  await fresh.engine.askApproval();
  return { fresh, code: fresh.engine.snapshot().approval?.code ?? '' };
}
const check = async ({ engine }: Device): Promise<readonly number[]> => {
  await until(engine, ({ approval }) => approval?.check !== null && approval !== null);
  return engine.snapshot().approval?.check ?? [];
};
const ended = ({ engine }: Device, how: string): Promise<void> =>
  until(engine, ({ approval }) => approval?.ended === how);

async function talk(): Promise<ConversationId> {
  const id = await ada.engine.createConversation({ title: 'the room', members: [idOf(ada.engine, 'bob')] });
  await entered(bob.engine, id);
  const heard = hears(bob.engine, 'from before');
  await ada.engine.send(id, 'from before');
  await heard;
  return id;
}

describe('[D7] [E17] a new device', () => {
  it('is let in by an old one once both sides said that the check is the same', async () => {
    const id = await talk();
    const { fresh, code } = await asking();
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
    await bob.engine.answerApproval(` ${code.slice(0, 4).toLowerCase()}-${code.slice(4)} `);
    const shown = await check(bob);
    expect(await check(fresh)).toEqual(shown);
    expect(shown).toHaveLength(6);
    await bob.engine.confirmApproval(true);
    expect(fresh.engine.snapshot().account.state).toBe('vault-locked');
    await fresh.engine.confirmApproval(true);
    await entered(fresh.engine, id);
    expect(await textsOf(fresh.engine, id)).toEqual(['from before']);
    await Promise.all([ended(fresh, 'done'), ended(bob, 'done')]);
    expect(fresh.engine.snapshot().devices.map(({ label }) => label)).toEqual(['new laptop', 'test']);
  });

  it('is in as well when its own side says so first', async () => {
    const { fresh, code } = await asking();
    await bob.engine.answerApproval(code);
    await check(fresh);
    await fresh.engine.confirmApproval(true);
    await check(bob);
    await bob.engine.confirmApproval(true);
    await until(fresh.engine, ({ account: { state } }) => state === 'ready');
  });

  it('stays out when somebody says that it differs, or gives up', async () => {
    const first = await asking();
    await bob.engine.answerApproval(first.code);
    await check(bob);
    await bob.engine.confirmApproval(false);
    await ended(first.fresh, 'refused');
    expect(await refusal(first.fresh.engine.confirmApproval(true))).toBe('ceremony.expired');
    await first.fresh.engine.closeApproval();
    await first.fresh.engine.askApproval();
    const again = first.fresh.engine.snapshot().approval?.code ?? '';
    await bob.engine.answerApproval(again);
    await check(bob);
    await first.fresh.engine.closeApproval();
    await ended(bob, 'refused');
    expect(first.fresh.engine.snapshot().account.state).toBe('vault-locked');
  });

  it('is found by its own code only, once, and by its own person', async () => {
    const { code } = await asking();
    expect(await refusal(bob.engine.answerApproval('ABCD'))).toBe('approval.unknown');
    expect(await refusal(bob.engine.answerApproval('00000000'))).toBe('approval.unknown');
    expect(await refusal(ada.engine.answerApproval(code))).toBe('approval.unknown');
    await bob.engine.answerApproval(code);
    expect(await refusal(bob.engine.answerApproval(code))).toBe('approval.unknown');
  });
});

describe('[E17] a server that stands in between', () => {
  it('with keys of its own towards both gives two different checks', async () => {
    const userId = idOf(ada.engine, 'bob');
    const [toOld, toNew] = [makeSide(systemRuntime), makeSide(systemRuntime)];
    const { fresh, code } = await asking();
    bob.network.lie = (frame, command) => {
      if (frame.kind !== 'answer') return [frame];
      const output = frame.output as Record<string, unknown>;
      if (command === 'approval.answer')
        return [{ ...frame, output: { ...output, commitment: commitmentOf(userId, toOld.told) } }];
      if (command === 'approval.get' && output['opening'] !== null)
        return [{ ...frame, output: { ...output, opening: toOld.told } }];
      return [frame];
    };
    fresh.network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'approval.get') return [frame];
      const output = frame.output as Record<string, unknown>;
      return [{ ...frame, output: { ...output, answer: output['answer'] === null ? null : toNew.told } }];
    };
    await bob.engine.answerApproval(code);
    const [old, young] = [await check(bob), await check(fresh)];
    expect(old).not.toEqual(young);
  });

  it('cannot choose its key after it saw the other one: what does not fit the commitment ends it', async () => {
    const late = makeSide(systemRuntime);
    const { code } = await asking();
    bob.network.lie = (frame, command) => {
      if (frame.kind !== 'answer' || command !== 'approval.get') return [frame];
      const output = frame.output as Record<string, unknown>;
      return [{ ...frame, output: { ...output, opening: output['opening'] === null ? null : late.told } }];
    };
    await bob.engine.answerApproval(code);
    await ended(bob, 'different');
    expect(bob.engine.snapshot().approval?.check).toBeNull();
  });

  it('changes the check with any bit of what both told', () => {
    const userId = idOf(ada.engine, 'bob');
    const [one, other] = [makeSide(systemRuntime).told, makeSide(systemRuntime).told];
    const whole = checkOf(userId, one, other).join();
    for (const at of [0, 31, 32, 63]) {
      const flip = (bytes: Uint8Array) => bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
      expect(checkOf(userId, flip(one), other).join()).not.toBe(whole);
      expect(checkOf(userId, one, flip(other)).join()).not.toBe(whole);
    }
    expect(checkOf(idOf(ada.engine, 'ada'), one, other).join()).not.toBe(whole);
  });
});
