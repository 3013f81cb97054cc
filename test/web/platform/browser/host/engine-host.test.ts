import { afterEach, describe, expect, it } from 'vitest';
import { type Engine, LanyingError } from '../../../../../web/engine/api.ts';
import type { PasskeyCreated, Passkeys } from '../../../../../web/engine/ports.ts';
import { createEngineHost, type HostSurroundings } from '../../../../../web/platform/browser/host/engine-host.ts';
import { connectRemoteEngine, type RemoteEngine } from '../../../../../web/platform/browser/host/remote-engine.ts';
import { share } from '../../../../../web/platform/browser/host/sharing.ts';
import { channelOf, type ToPage, type ToWorker } from '../../../../../web/platform/browser/host/wire.ts';
import { conversationId } from '../../../ui/demo/demo-data.ts';
import { createDemoEngine } from '../../../ui/demo/demo-engine.ts';

const open: MessagePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

const noPasskeys: Passkeys = {
  create: () => Promise.reject(new LanyingError('passkey.cancelled')),
  get: () => Promise.reject(new LanyingError('passkey.cancelled')),
};
const created: PasskeyCreated = { response: { id: 'x' }, credentialId: 'x', prf: new Uint8Array([1, 2]) };

interface Fixture {
  connect(passkeys?: Passkeys): RemoteEngine;
  readonly gone: (() => void)[];
  readonly engine: ReturnType<typeof createDemoEngine>;
  readonly closed: string[];
  lose(): void;
}

/** `wrap` changes the engine, given the passkeys that the host offers it. */
function fixture(wrap: (engine: Engine, passkeys: Passkeys) => Engine = (engine) => engine, acquire?: HostSurroundings['acquire']): Fixture {
  const engine = createDemoEngine({ scene: 'ready', now: 1_000_000_000_000, latencyMs: 0 });
  const closed: string[] = [];
  const gone: (() => void)[] = [];
  let lost = (): void => undefined;
  const host = createEngineHost({
    createEngine: async (passkeys) => wrap({ ...engine, closeTimeline: async (id) => void closed.push(id) }, passkeys),
    acquire: acquire ?? (async ({ onLost }) => void (lost = onLost)),
    onPageGone: (_lock, callback) => gone.push(callback),
  });
  return {
    engine,
    closed,
    gone,
    lose: () => lost(),
    connect(passkeys = noPasskeys) {
      const { port1, port2 } = new MessageChannel();
      open.push(port1, port2);
      const remote = connectRemoteEngine(channelOf<ToPage, ToWorker>(port1), passkeys, 'lock');
      host.connect(channelOf(port2));
      return remote;
    },
  };
}
const until = (remote: RemoteEngine, state: string): Promise<void> =>
  new Promise((resolve) => {
    const check = (): void => (remote.state() === state ? resolve() : undefined);
    remote.onState(check);
    check();
  });

describe('the engine behind a channel', () => {
  it('answers calls and pushes snapshots to every page', async () => {
    const fix = fixture();
    const [one, two] = [fix.connect(), fix.connect()];
    await Promise.all([until(one, 'ready'), until(two, 'ready')]);
    const seen = new Promise((resolve) => two.engine.onSnapshot((snapshot) => (snapshot.conversations[0]?.title === 'Renamed' ? resolve(true) : undefined)));
    await one.engine.renameConversation(conversationId('product'), 'Renamed');
    expect(await seen).toBe(true);
  });
  it('keeps code and detail of a refusal, and hides what is not a refusal', async () => {
    const fix = fixture((engine) => ({
      ...engine,
      createInvite: () => Promise.reject(new LanyingError('rate.limited', { retryAfterMs: 5 })),
      refreshPeople: () => Promise.reject(new Error('secret')),
    }));
    const page = fix.connect();
    await until(page, 'ready');
    await expect(page.engine.createInvite('member')).rejects.toMatchObject({ name: 'LanyingError', code: 'rate.limited', detail: { retryAfterMs: 5 } });
    await expect(page.engine.refreshPeople()).rejects.toMatchObject({ code: 'server.internal', message: 'server.internal' });
  });
  it('sends a timeline only to pages that opened it, and closes it with the last one', async () => {
    const fix = fixture();
    const [one, two] = [fix.connect(), fix.connect()];
    await Promise.all([until(one, 'ready'), until(two, 'ready')]);
    const id = conversationId('lin');
    let strangers = 0;
    two.engine.onTimeline(() => (strangers += 1));
    const first = new Promise((resolve) => one.engine.onTimeline(resolve));
    await one.engine.openTimeline(id);
    await first;
    expect(strangers).toBe(0);
    const second = new Promise((resolve) => two.engine.onTimeline(resolve));
    await two.engine.openTimeline(id);
    await second;
    await one.engine.closeTimeline(id);
    expect(fix.closed).toEqual([]);
    await two.engine.closeTimeline(id);
    expect(fix.closed).toEqual([id]);
  });
  it('closes the timelines of a page that went away without a word', async () => {
    const fix = fixture();
    const page = fix.connect();
    await until(page, 'ready');
    await page.engine.openTimeline(conversationId('lin'));
    fix.gone[0]?.();
    expect(fix.closed).toEqual([conversationId('lin')]);
  });
});

describe('passkeys', () => {
  const asking = (engine: Engine, passkeys: Passkeys): Engine => ({
    ...engine,
    async signInWithPasskey() {
      const used = await passkeys.create({ challenge: 'c' }, new Uint8Array(32));
      if (used.prf?.[1] !== 2) throw new LanyingError('passkey.refused');
    },
  });
  it('are asked for on the page that made the call, also when two ask at once', async () => {
    const fix = fixture(asking);
    const asked: string[] = [];
    const of = (name: string): Passkeys => ({ ...noPasskeys, create: async () => (asked.push(name), created) });
    const [one, two] = [fix.connect(of('one')), fix.connect(of('two'))];
    await Promise.all([until(one, 'ready'), until(two, 'ready')]);
    await Promise.all([two.engine.signInWithPasskey('x'), one.engine.signInWithPasskey('x')]);
    expect(asked.toSorted()).toEqual(['one', 'two']);
  });
  it('pass a refusal on, and the next ceremony still works', async () => {
    const fix = fixture(asking);
    let declined = false;
    const page = fix.connect({
      ...noPasskeys,
      create: async () => {
        if (declined) return created;
        declined = true;
        throw new LanyingError('passkey.cancelled');
      },
    });
    await until(page, 'ready');
    await expect(page.engine.signInWithPasskey('x')).rejects.toMatchObject({ code: 'passkey.cancelled' });
    await expect(page.engine.signInWithPasskey('x')).resolves.toBeUndefined();
  });
  it('end as cancelled when the page goes away', async () => {
    const fix = fixture(asking);
    let outcome: Promise<unknown> = Promise.resolve();
    await new Promise<void>((asked) => {
      const page = fix.connect({ ...noPasskeys, create: () => (asked(), new Promise(() => undefined)) });
      outcome = until(page, 'ready').then(() => page.engine.signInWithPasskey('x').catch((error: unknown) => error));
    });
    fix.gone[0]?.();
    expect(await outcome).toMatchObject({ code: 'passkey.cancelled' });
    const next = fix.connect({ ...noPasskeys, create: async () => created });
    await until(next, 'ready');
    await expect(next.engine.signInWithPasskey('x')).resolves.toBeUndefined();
  });
});

describe('the lock', () => {
  it('shows that another tab has the engine, and takes it over on demand', async () => {
    const steals: boolean[] = [];
    const fix = fixture(undefined, ({ steal, onWaiting }) => {
      steals.push(steal);
      if (steal) return Promise.resolve();
      onWaiting();
      return new Promise(() => undefined);
    });
    const page = fix.connect();
    await until(page, 'elsewhere');
    await expect(page.engine.refreshPeople()).rejects.toMatchObject({ code: 'engine.busy_elsewhere' });
    page.takeOver();
    await until(page, 'ready');
    expect(steals).toEqual([false, true]);
  });
  it('stops the engine when it is stolen', async () => {
    const fix = fixture();
    const page = fix.connect();
    await until(page, 'ready');
    fix.lose();
    await until(page, 'elsewhere');
    await expect(page.engine.refreshPeople()).rejects.toMatchObject({ code: 'engine.busy_elsewhere' });
  });
  it('says so when the engine cannot be made', async () => {
    const page = fixture(() => {
      throw new LanyingError('storage.failed');
    }).connect();
    await until(page, 'failed');
    expect(page.state()).toBe('failed');
  });
});

describe('structural sharing', () => {
  it('keeps what is equal and replaces what is not', () => {
    const before = { people: [{ userId: 'a', n: 1 }, { userId: 'b', n: 2 }], online: true };
    expect(share(before, structuredClone(before))).toBe(before);
    const after = share(before, { people: [{ userId: 'c', n: 3 }, { userId: 'a', n: 1 }, { userId: 'b', n: 5 }], online: true });
    expect(after.people[1]).toBe(before.people[0]);
    expect(after).toEqual({ people: [{ userId: 'c', n: 3 }, { userId: 'a', n: 1 }, { userId: 'b', n: 5 }], online: true });
  });
  it('sees a missing and a new property', () => {
    expect(share({ a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 });
    expect(share({ a: 1 }, { a: 1, b: undefined })).toEqual({ a: 1, b: undefined });
    expect(share([1, 2, 3], [1, 2])).toEqual([1, 2]);
    expect(share(null, { a: 1 })).toEqual({ a: 1 });
  });
});
