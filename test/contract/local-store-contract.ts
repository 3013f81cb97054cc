/** What every LocalStore must do. Runner-agnostic: the browser tests run it on IndexedDB, vitest on memory and folder. */
import type { LocalStore } from '../../web/engine/ports.ts';

/** `open` opens the same profile each time; a fresh profile for each case. */
export interface Profile {
  open(): Promise<LocalStore>;
}

export interface ContractCase {
  readonly name: string;
  readonly run: (profile: Profile) => Promise<void>;
}

const utf8 = new TextEncoder();
const bytes = (text: string) => new Uint8Array(utf8.encode(text));
const text = (value: Uint8Array | null) => (value === null ? null : new TextDecoder().decode(value));
const put = (key: string, value = key) => ({ put: [key, bytes(value)] as const });

function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: expected ${e}, got ${a}`);
}

async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  const outcome = await promise.then(
    () => 'resolved',
    (cause: unknown) => (cause instanceof Error && 'code' in cause ? cause.code : String(cause)),
  );
  equal(outcome, code, 'rejection');
}

const whole = { limit: 1_000, reverse: false };
const keysOf = async (store: LocalStore, from = '', to = '~') => (await store.range(from, to, whole)).map(([key]) => key);

export const localStoreContract: readonly ContractCase[] = [
  {
    name: 'reads what was written, and null for what is absent',
    async run(profile) {
      const store = await profile.open();
      await store.batch([put('a', 'one')]);
      equal(text(await store.get('a')), 'one', 'value');
      equal(await store.get('b'), null, 'absent');
      await store.close();
    },
  },
  {
    name: 'keeps records and device keys over close and open',
    async run(profile) {
      const first = await profile.open();
      await first.batch([put('a', 'one')]);
      const keys = await first.deviceKeys();
      const sealed = await keys.seal(bytes('secret'), bytes('place'));
      await first.close();
      const second = await profile.open();
      equal(text(await second.get('a')), 'one', 'value');
      const again = await second.deviceKeys();
      equal([...again.publicKey], [...keys.publicKey], 'public key');
      equal(text(await again.open(sealed, bytes('place'))), 'secret', 'opened');
      await second.close();
    },
  },
  {
    name: 'ranges are half open, ordered, limited and reversible',
    async run(profile) {
      const store = await profile.open();
      await store.batch(['c', 'a', 'd', 'b', 'e'].map((key) => put(key)));
      equal(await keysOf(store, 'b', 'e'), ['b', 'c', 'd'], 'half open');
      const ranged = async (limit: number, reverse: boolean) => (await store.range('a', 'e', { limit, reverse })).map(([key, value]) => [key, text(value)]);
      equal(await ranged(2, false), [['a', 'a'], ['b', 'b']], 'first two');
      equal(await ranged(2, true), [['d', 'd'], ['c', 'c']], 'last two');
      equal(await ranged(0, false), [], 'none');
      equal(await store.range('e', 'a', whole), [], 'empty span');
      await store.close();
    },
  },
  {
    name: 'writes of a batch apply in order',
    async run(profile) {
      const store = await profile.open();
      await store.batch([put('p/1'), put('p/2'), put('q')]);
      await store.batch([put('p/3'), { deletePrefix: 'p/' }, put('p/2', 'new'), put('r'), { delete: 'r' }, { delete: 'absent' }]);
      equal(await keysOf(store), ['p/2', 'q'], 'keys');
      equal(text(await store.get('p/2')), 'new', 'written after the prefix went');
      await store.close();
    },
  },
  {
    name: 'what a caller does to its bytes afterwards changes nothing',
    async run(profile) {
      const store = await profile.open();
      const value = bytes('kept');
      await store.batch([{ put: ['a', value] }]);
      value.fill(0);
      const read = await store.get('a');
      equal(text(read), 'kept', 'stored');
      read?.fill(0);
      equal(text(await store.get('a')), 'kept', 'read again');
      await store.close();
    },
  },
  {
    name: 'a later opener fences off the earlier one, whole batches and erasing too',
    async run(profile) {
      const early = await profile.open();
      await early.batch([put('a')]);
      const late = await profile.open();
      await rejectsWith('engine.busy_elsewhere', early.batch([put('b'), { delete: 'a' }]));
      await rejectsWith('engine.busy_elsewhere', early.erase());
      await late.batch([put('c')]);
      equal(await keysOf(late), ['a', 'c'], 'keys');
      await early.close();
      await late.batch([put('d')]);
      equal(await keysOf(late), ['a', 'c', 'd'], 'still open after the earlier closed');
      await late.close();
    },
  },
  {
    name: 'racing first uses get the same device keys',
    async run(profile) {
      const store = await profile.open();
      const [one, two] = await Promise.all([store.deviceKeys(), store.deviceKeys()]);
      equal([...one.publicKey], [...two.publicKey], 'public key');
      await store.close();
    },
  },
  {
    name: 'device keys sign as Ed25519, and open only what they sealed for the same place',
    async run(profile) {
      const store = await profile.open();
      const keys = await store.deviceKeys();
      const signature = await keys.sign(bytes('data'));
      const key = await crypto.subtle.importKey('raw', keys.publicKey, 'Ed25519', false, ['verify']);
      equal(await crypto.subtle.verify('Ed25519', key, signature, bytes('data')), true, 'verifies');
      equal(await crypto.subtle.verify('Ed25519', key, signature, bytes('date')), false, 'other data');
      const sealed = await keys.seal(bytes('secret'), bytes('place'));
      equal(sealed.length, 12 + 6 + 16, 'length');
      const opens = (input: Uint8Array<ArrayBuffer>, place: string) => keys.open(input, bytes(place)).then(() => 'opened', () => 'refused');
      equal(await opens(sealed, 'place'), 'opened', 'same place');
      equal(await opens(sealed, 'other'), 'refused', 'other place');
      equal(await opens(sealed.map((byte, at) => (at === 20 ? byte ^ 1 : byte)), 'place'), 'refused', 'altered');
      equal(await opens(bytes('short'), 'place'), 'refused', 'too short');
      await store.close();
    },
  },
  {
    name: 'erasing takes records and keys away, and leaves a usable store',
    async run(profile) {
      const store = await profile.open();
      await store.batch([put('a'), put('b')]);
      const before = await store.deviceKeys();
      await store.erase();
      equal(await keysOf(store), [], 'keys');
      const after = await store.deviceKeys();
      equal(before.publicKey.every((byte, at) => byte === after.publicKey[at]), false, 'the same device key again');
      await store.batch([put('c')]);
      equal(await keysOf(store), ['c'], 'usable');
      await store.close();
    },
  },
  {
    name: 'a closed store refuses with engine.closed',
    async run(profile) {
      const store = await profile.open();
      await store.close();
      await rejectsWith('engine.closed', store.get('a'));
      await rejectsWith('engine.closed', store.range('a', 'b', whole));
      await rejectsWith('engine.closed', store.batch([put('a')]));
      await store.close();
    },
  },
];
