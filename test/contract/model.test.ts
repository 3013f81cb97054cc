/** Random calls, on LevelDB and on the model: the same answers, whatever the order and however often it is reopened. */
import { acts } from './acts.ts';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../server/ports/store.ts';
import { openMemoryStore } from '../../server/storage/memory/store.ts';
import { repeats } from '../harness/seed.ts';
import { openLevelBench } from './level-bench.ts';
import {
  bytesOf,
  ceremonyOf,
  change,
  conversationOf,
  dayMs,
  device,
  deviceOf,
  invite,
  inviteOf,
  keyPackage,
  LogWriter,
  newAccount,
  roster,
  session,
  sessionOf,
  startMs,
  userOf,
  vault,
  welcome,
  welcomeOf,
} from './people.ts';

type Call = (store: Store) => Promise<unknown>;

const person = fc.constantFrom('ann', 'bob', 'cem');
const small = fc.nat({ max: 3 });
const team = fc.constantFrom('team', 'duo');

/** Calls without the order of a log: every one is complete in itself. */
const simpleCall: fc.Arbitrary<{ readonly text: string; readonly call: Call }> = fc.oneof(
  fc.tuple(person, fc.option(small)).map(([name, token]) => ({
    text: `create account ${name} ${token}`,
    call: (store: Store) => store.accounts.create(newAccount(name, token === null ? null : `i${token}`), acts()),
  })),
  small.map((at) => ({ text: `invite ${at}`, call: (store: Store) => createInvite(store, at) })),
  small.map((at) => ({
    text: `revoke ${at}`,
    call: (store: Store) => store.invites.revoke(inviteOf(`i${at}`), acts()),
  })),
  fc.tuple(person, small).map(([name, at]) => ({
    text: `register ${name} ${at}`,
    call: (store: Store) =>
      store.devices.register(device(name, `${name}${at}`), [keyPackage(`${name}${at}`)], 3, acts()),
  })),
  fc.tuple(person, small, fc.boolean()).map(([name, at, last]) => ({
    text: `publish ${name} ${at} ${last}`,
    call: (store: Store) =>
      store.devices.publish(deviceOf(name), [keyPackage(`${name} extra ${at}`, at % 2 === 0 ? 1 : 83, last)]),
  })),
  fc.tuple(fc.subarray(['ann', 'bob', 'cem']), fc.constantFrom(1 as const, 83 as const)).map(([names, suite]) => ({
    text: `claim ${names.join(' ')} ${suite}`,
    call: (store: Store) =>
      store.devices.claim(
        names.map((name) => device(name)),
        suite,
      ),
  })),
  fc.tuple(person, small).map(([name, version]) => ({
    text: `vault ${name} ${version}`,
    call: (store: Store) =>
      store.vaults.update(userOf(name), version, bytesOf(`v${version}`), vault(name).unlockers, acts()),
  })),
  fc
    .tuple(person, team, fc.uniqueArray(small, { minLength: 1 }), fc.nat())
    .map(([name, conversation, epochs, salt]) => ({
      text: `archive ${name} ${conversation} ${epochs.join(' ')} ${salt}`,
      call: (store: Store) =>
        store.vaults.archive(
          userOf(name),
          epochs.map((epoch) => ({ conversationId: conversationOf(conversation), epoch, sealed: bytesOf(`${salt}`) })),
        ),
    })),
  fc.tuple(person, small).map(([name, version]) => ({
    text: `item ${name} ${version}`,
    call: (store: Store) => store.vaults.putItem(userOf(name), 'item', version, bytesOf(`i${version}`)),
  })),
  fc.tuple(small, small).map(([at, lifetime]) => ({
    text: `ceremony ${at} ${lifetime}`,
    call: (store: Store) => store.ceremonies.put(ceremonyOf(`c${at}`), bytesOf(`c${at}`), startMs + 1 + lifetime),
  })),
  fc.tuple(small, small).map(([at, later]) => ({
    text: `take ${at} ${later}`,
    call: (store: Store) => store.ceremonies.take(ceremonyOf(`c${at}`), startMs + 1 + later),
  })),
  fc.tuple(small, small).map(([at, lifetime]) => ({
    text: `session ${at} ${lifetime}`,
    call: async (store: Store) => {
      if ((await store.sessions.byId(sessionOf(`s${at}`))) === null)
        await store.sessions.create(session(`s${at}`, 'ann', startMs + lifetime), acts());
    },
  })),
  small.map((later) => ({ text: `sweep ${later}`, call: (store: Store) => store.sessions.sweep(startMs + later, 2) })),
  fc.tuple(person, team, fc.nat({ max: 30 })).map(([name, conversation, at]) => ({
    text: `read ${name} ${conversation} ${at}`,
    call: (store: Store) => store.conversations.markRead(userOf(name), conversationOf(conversation), at),
  })),
  fc.tuple(person, small).map(([name, at]) => ({
    text: `acknowledge ${name} ${at}`,
    call: (store: Store) => store.devices.acknowledge(deviceOf(name), [welcomeOf(`${name} ${at}`)]),
  })),
);

async function createInvite(store: Store, at: number): Promise<void> {
  if ((await store.invites.byTokenHash(bytesOf(`token i${at}`))) === null)
    await store.invites.create(invite(`i${at}`, startMs + at), acts());
}

/** A step of a log: what comes next depends on what is there, so it is made from the store itself. */
interface LogStep {
  readonly conversation: string;
  readonly entries: number;
  readonly laterMs: number;
  readonly members: readonly string[] | null;
  readonly leaving: string | null;
  /** Off the true place by so much. */
  readonly slip: number;
}

const logStep: fc.Arbitrary<LogStep> = fc.record({
  conversation: team,
  entries: fc.integer({ min: 1, max: 4 }),
  laterMs: fc.constantFrom(0, 0, 1000, dayMs, 40 * dayMs),
  members: fc.option(fc.subarray(['ann', 'bob', 'cem'], { minLength: 1 })),
  leaving: fc.option(person),
  slip: fc.constantFrom(0, 0, 0, 0, 1, -1),
});

const logCall =
  (step: LogStep): Call =>
  async (store) => {
    const id = conversationOf(step.conversation);
    const there = await store.conversations.load(id);
    const log = new LogWriter(step.conversation);
    log.sequence = there?.headSequence ?? 0;
    log.sentAt = (there?.headSentAt ?? startMs) + step.laterMs;
    const entries = Array.from({ length: step.entries }, (_, at) => log.next(at === 1 ? 'meta' : 'message'));
    const [first] = entries;
    if (first === undefined) throw new Error('no entry');
    const epoch = (there?.roster.epoch ?? 0) + 1;
    const leaving = step.leaving === null ? {} : { [step.leaving]: { leaving: true } };
    const members = roster(step.members ?? ['ann'], epoch, leaving);
    const welcomes = (step.members ?? []).map((name) => ({
      deviceId: deviceOf(name),
      welcome: { ...welcome(`${name} ${epoch % 4}`, step.conversation, first.sequence), epoch },
    }));
    if (there === null) return store.conversations.create(log.record(members, first), entries, change(members));
    const next =
      step.members === null
        ? null
        : change(members, { groupInfo: epoch % 2 === 0 ? null : bytesOf(`g${epoch}`), welcomes });
    return store.conversations.append(id, there.headSequence + step.slip, entries, next);
  };

const step = fc
  .oneof(
    { weight: 3, arbitrary: simpleCall },
    { weight: 2, arbitrary: logStep.map((each) => ({ text: `log ${JSON.stringify(each)}`, call: logCall(each) })) },
    { weight: 1, arbitrary: fc.constant({ text: 'reopen', call: null }) },
  )
  .map((each) => ({ ...each, toString: () => each.text }));

/** A refusal by an exception counts by its name. */
async function outcome(call: Call, store: Store): Promise<unknown> {
  try {
    return await call(store);
  } catch (cause) {
    if (cause instanceof Error) return cause.name;
    throw cause;
  }
}

/** Everything that the port shows. */
async function view(store: Store): Promise<unknown> {
  const names = ['ann', 'bob', 'cem'];
  const read = async (name: string): Promise<unknown> => {
    const id = conversationOf(name);
    return [
      await store.conversations.load(id),
      await store.conversations.groupInfo(id),
      (await store.conversations.readAfter(id, 0, 500, 1_000_000)).map(digest),
      (await store.conversations.readBefore(id, 9, 5, 350)).map(digest),
      (await store.conversations.readAfter(id, 4, 5, 350)).map(digest),
    ];
  };
  const of = async (name: string): Promise<unknown> => [
    await store.accounts.byHandle(name),
    await store.devices.ofUsers([userOf(name)]),
    await store.devices.counts(deviceOf(name)),
    await store.devices.welcomes(deviceOf(name), 20),
    await store.vaults.get(userOf(name)),
    await store.vaults.item(userOf(name), 'item'),
    await store.vaults.archived(userOf(name), conversationOf('team'), null, 10),
    (await store.conversations.memberships(userOf(name))).toSorted((one, other) =>
      one.conversationId < other.conversationId ? -1 : 1,
    ),
  ];
  return [
    await store.accounts.list(null, 10),
    await store.invites.list(),
    await Promise.all([0, 1, 2, 3].map((at) => store.sessions.byId(sessionOf(`s${at}`)))),
    await Promise.all(names.map(of)),
    await Promise.all(['team', 'duo'].map(read)),
  ];
}

const digest = (entry: { readonly hash: Uint8Array; readonly body: Uint8Array; readonly sequence: number }): string =>
  `${entry.sequence} ${createHash('sha256').update(entry.hash).update(entry.body).digest('hex')}`;

describe('LevelDB and the model', () => {
  it('[L1][K2][V3] answer every sequence of calls alike', { timeout: 120_000 * repeats }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const level = await openLevelBench();
        const model = openMemoryStore();
        try {
          for (const { text, call } of steps) {
            if (call === null) await level.reopened();
            else expect([text, await outcome(call, level.store())]).toEqual([text, await outcome(call, model)]);
          }
          const shown = await view(model);
          expect(await view(level.store())).toEqual(shown);
          expect(await view(await level.reopened())).toEqual(shown);
        } finally {
          await level.close();
        }
      }),
      { numRuns: 40 * repeats },
    );
  });
});
