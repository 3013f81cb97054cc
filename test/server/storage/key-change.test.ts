/** The key-encryption key changes while others read, write and shred data keys: at every await of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GroupWriter } from '../../../server/storage/level/group-writer.ts';
import type { LevelStore } from '../../../server/storage/level/store.ts';
import { Records } from '../../../server/storage/level/table.ts';
import { verifyStore } from '../../../server/storage/level/verification.ts';
import { KeyRing } from '../../../server/storage/sealed/key-ring.ts';
import { act, acts } from '../../contract/acts.ts';
import { masterKey } from '../../contract/level-bench.ts';
import { change, conversationOf, dayMs, LogWriter, roster, startMs, userOf } from '../../contract/people.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { LevelFolder } from './level-folder.ts';

const much = 10_000_000;
const go = (): Promise<void> => Promise.resolve();
const told = (...names: readonly string[]) =>
  act('settings.changed', {
    personal: names.map((name) => ({ subject: userOf(name), fields: { address: `address of ${name}` } })),
  });

/** Runs `meanwhile` at the n-th await of whatever is under way; the awaits are those of the store's own parts. */
function interleave(meanwhile: (at: number) => Promise<void>): {
  count(): number;
  run<T>(work: Promise<T>): Promise<T>;
} {
  let at = 0;
  let inside = false;
  let on = true;
  const step = async (): Promise<void> => {
    if (inside || !on) return;
    inside = true;
    await meanwhile(at++);
    inside = false;
  };
  const around = <A extends unknown[], T>(original: (...args: A) => Promise<T>) =>
    async function (this: unknown, ...args: A): Promise<T> {
      await step();
      const value = await original.apply(this, args);
      await step();
      return value;
    };
  const { scan, get } = Records.prototype;
  const { beginChange, endChange } = KeyRing.prototype;
  vi.spyOn(Records.prototype, 'scan').mockImplementation(around(scan));
  vi.spyOn(Records.prototype, 'get').mockImplementation(around(get));
  vi.spyOn(KeyRing.prototype, 'beginChange').mockImplementation(around(beginChange));
  vi.spyOn(KeyRing.prototype, 'endChange').mockImplementation(around(endChange));
  const { submit } = GroupWriter.prototype;
  vi.spyOn(GroupWriter.prototype, 'submit').mockImplementation(function (this: GroupWriter, operations) {
    // Taken at once, as ever; only the answer waits.
    const done = submit.call(this, operations);
    return done.then(step);
  });
  return {
    count: () => at,
    run: async (work) => {
      try {
        return await work;
      } finally {
        on = false;
        vi.restoreAllMocks();
      }
    },
  };
}

describe('a change of the key-encryption key', () => {
  let folder: LevelFolder;
  let log: LogWriter;
  const fresh = async (): Promise<void> => {
    await folder.remove();
    await made();
  };
  const made = async (): Promise<void> => {
    folder = await LevelFolder.make();
    log = new LogWriter('team');
    await folder.using(async (store) => {
      await store.audit.append([told('bob')]);
      const first = log.next('created');
      await store.conversations.create(log.record(roster(['ann']), first), [first], change(roster(['ann'])));
    });
  };
  beforeEach(made);
  afterEach(async () => {
    vi.restoreAllMocks();
    await folder.remove();
  });

  const changeKeys = async (store: LevelStore): Promise<void> => {
    await store.erasure.requestShredding();
    expect(await store.erasure.prove(go)).toMatchObject({ shredded: true });
  };

  /** Everything that a change must leave as it is, after a restart. */
  async function checked(): Promise<void> {
    const verified = await verifyStore({ folder: folder.path, masterKey, runtime: new FakeRuntime('verify', startMs) });
    expect(verified.faults).toEqual([]);
    await folder.using(async (store) => {
      const fields = (await store.audit.readFrom(0, 100)).flatMap(({ personal }) => personal);
      const fieldsOf = (name: string) =>
        fields.filter(({ subject }) => subject === userOf(name)).map((found) => found.fields?.address ?? null);
      expect(['bob', 'cat', 'dan', 'ann', 'eve'].map(fieldsOf)).toEqual([
        ['address of bob'],
        ['address of cat'],
        ['address of dan'],
        [null],
        [null],
      ]);
      expect(await store.conversations.readAfter(conversationOf('team'), 0, 100, much)).toHaveLength(2);
    });
  }

  it('[R3] loses no key that is made meanwhile and brings back none that is shredded, at each of its awaits', async () => {
    let awaits = Infinity;
    for (let n = 0; n < awaits; n += 1) {
      const store = await folder.open();
      await store.audit.append([told('ann', 'eve')]);
      const begun: Promise<unknown>[] = [];
      const others = interleave(async (at) => {
        if (at !== n) return;
        const shredded = (name: string) => store.audit.shred(userOf(name), acts('person.shredded', { personal: [] }));
        // Done before the change goes on, and under way while it does.
        await shredded('ann');
        log.sentAt += dayMs;
        begun.push(
          shredded('eve'),
          store.audit.append([told('cat', 'dan')]),
          store.conversations.append(conversationOf('team'), 1, [log.next()], null),
        );
      });
      await others.run(changeKeys(store));
      await Promise.all(begun);
      awaits = others.count();
      await store.close();
      if (begun.length > 0) await checked();
      await fresh();
    }
    expect(awaits).toBeGreaterThan(12);
  }, 120_000);

  it('[R3] does not disturb whoever reads or makes a key, at each of their awaits', async () => {
    let awaits = Infinity;
    let runs = 0;
    for (let n = 0; n < awaits; n += 1) {
      runs += 1;
      process.stderr.write(`${n} of ${awaits}\n`);
      const reading = async (store: LevelStore): Promise<void> => {
        const others = interleave(async (at) => {
          if (at === n) await changeKeys(store);
        });
        await others.run(
          (async () => {
            await store.audit.append([told(`new ${n}`, `newer ${n}`)]);
            expect(await store.conversations.readAfter(conversationOf('team'), 0, 100, much)).toHaveLength(1);
            const [entry] = await store.audit.readFrom(0, 1);
            expect(entry?.personal.map(({ fields }) => fields?.address)).toEqual(['address of bob']);
          })(),
        );
        awaits = others.count();
      };
      // Opened anew, so that no key is in memory.
      await folder.using(reading);
    }
    await folder.using(async (store) => {
      const fields = (await store.audit.readFrom(1, 1_000)).flatMap(({ personal }) => personal);
      const names = Array.from({ length: runs }, (_, n) => [`address of new ${n}`, `address of newer ${n}`]).flat();
      expect(fields.map((found) => found.fields?.address)).toEqual(names);
    });
    expect(awaits).toBeGreaterThan(8);
  }, 120_000);
});
