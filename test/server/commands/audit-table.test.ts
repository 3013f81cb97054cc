/** The one table of commands, row by row: what each records, that it records that, and that a row without a word on it fails. */
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { type ActName, actNames, AuditEntry } from '#protocol/audit.ts';
import { type CommandName, commands, isCommandName } from '#protocol/commands/index.ts';
import { unaudited } from '#protocol/commands/row.ts';
import { type Audited, scenarios } from './audit-scenarios.ts';
import { Peer, World } from './world.ts';

/** Runs that erase pause between their steps: the clock goes on until they are through. */
async function finished<T>(world: World, work: Promise<T>): Promise<T> {
  const state = { over: false };
  const stop = (): boolean => (state.over = true);
  work.then(stop, stop);
  while (!state.over) {
    await new Promise(setImmediate);
    world.runtime.advance(state.over ? 0 : 10);
  }
  return work;
}

const names = Object.keys(commands).filter(isCommandName);
const actsOf = (name: CommandName): readonly ActName[] | null => {
  const { audited } = commands[name];
  return 'not' in audited ? null : audited;
};
/** Declared for what these share with others: an erasure begins no run of the rules, and one's own takes everything. */
const sharedOnly: Partial<Record<CommandName, readonly ActName[]>> = {
  'erasure.confirm': ['audit.trimmed'],
  'account.confirmErasure': ['audit.trimmed', 'account.closed'],
};

describe('[U1] the table of commands', () => {
  test.each(names)('%s names its acts, or the reason why there are none', (name) => {
    const acts = actsOf(name);
    const { audited } = commands[name];
    if (acts === null) expect('not' in audited && audited.not in unaudited).toBe(true);
    else expect(acts.length > 0 && acts.every((act) => actNames.includes(act))).toBe(true);
    expect(name in scenarios, 'has a scenario exactly when it records').toBe(acts !== null);
    // What only reads must look like it.
    if (/\.(get|list|info|check|find|ping|read|tail|counts|preview|receipts)$/.test(name)) expect(acts).toBeNull();
    if (/^(invite|hold|erasure)\.(?!list|check)|^retention\.(set|run)$|^signIn\.pass(key|word)$/.test(name))
      expect(acts).not.toBeNull();
  });

  const told = new Map<string, Set<ActName>>();
  const rounds = names.flatMap((name) =>
    name in scenarios ? scenarios[name as Audited].map((scenario, at) => ({ name, at, scenario })) : [],
  );
  test.each(rounds)('$name records what it did ($at)', async ({ name, at, scenario }) => {
    const world = new World();
    const alone = name === 'signIn.passkey' || (name === 'account.create' && at === 0);
    const owner = alone
      ? new Peer(world, 'owner', world.id(), (await world.stranger('nobody')).identity)
      : await world.owner();
    const call = await scenario(world, owner);
    const { size } = await world.store.audit.tree();
    const context = { session: call.by?.session ?? null, address: '192.0.2.7' };
    const from = world.runtime.now();
    await finished(world, world.router.call(name, call.input, context, `request ${name} ${at}`));
    const entries = await world.store.audit.readFrom(size, 100);
    expect(entries.map(({ act }) => act)).toEqual(call.told.map(({ act }) => act));
    for (const [place, entry] of entries.entries()) {
      const { act, actor, object, reason = null, before = null, after = null } = call.told[place]!;
      expect(v.parse(AuditEntry, entry)).toMatchObject({
        index: size + place,
        act,
        actor: actor === null ? { kind: 'stranger' } : { kind: 'person', userId: actor.userId },
        object,
        reason,
        before,
        after,
        requestId: `request ${name} ${at}`,
      });
      expect(entry.time >= from && entry.time <= world.runtime.now()).toBe(true);
      told.set(name, (told.get(name) ?? new Set<ActName>()).add(act));
    }
  });

  test.each(names.filter((name) => name in scenarios))('%s was seen to record each act that it declares', (name) => {
    const unseen = (actsOf(name) ?? []).filter((act) => told.get(name)?.has(act) !== true);
    expect(unseen.toSorted()).toEqual([...(sharedOnly[name] ?? [])].toSorted());
  });
});
