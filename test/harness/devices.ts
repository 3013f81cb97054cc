/** Engines of people on a test server, each on a profile and a network of the test's choice. */
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { type EngineSnapshot, LanyingError } from '../../web/engine/api.ts';
import { createEngine } from '../../web/engine/client.ts';
import type { LocalStore, Network } from '../../web/engine/ports.ts';
import { account, type AccountState } from '../../web/engine/store/records.ts';
import { SealedStore } from '../../web/engine/store/sealed-store.ts';
import { type MemoryProfile, openMemoryStore } from '../../web/platform/node/memory-store.ts';
import { nodePasskeys } from '../../web/platform/node/passkeys.ts';
import { systemRuntime } from '../../web/platform/runtime.ts';
import type { HeadlessEngine, TextEntry } from '../../web/sdk/engine.ts';
import { passwordOf } from './people.ts';

/** Resolves at the first snapshot, the present one included, that fits. */
export const until = (engine: HeadlessEngine, fits: (snapshot: EngineSnapshot) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (snapshot: EngineSnapshot): void => {
      if (!fits(snapshot)) return;
      stop();
      resolve();
    };
    const stop = engine.onSnapshot(look);
    look(engine.snapshot());
  });

export async function engineOver(network: Network, store: LocalStore): Promise<HeadlessEngine> {
  const engine = await createEngine({ runtime: systemRuntime, network, store, passkeys: nodePasskeys });
  await until(engine, ({ account: { state } }) => state !== 'starting');
  return engine;
}

/** Makes the account of `handle` by an invite link; gives its recovery code. The engine is caught up when it resolves. */
export async function join(engine: HeadlessEngine, handle: string, link: string): Promise<string> {
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  const factor = { kind: 'password', password: passwordOf(handle) } as const;
  const { code } = await engine.prepareAccount({ grant: { kind: 'invite', token }, handle, displayName: handle, factor, deviceLabel: 'test' });
  await engine.finishAccount();
  await engine.synced();
  return code;
}

/** Throws when the engine has not heard of this person. */
export function idOf(engine: HeadlessEngine, handle: string): UserId {
  const found = engine.snapshot().people.find((person) => person.handle === handle);
  if (found === undefined) throw new Error(`nobody knows ${handle}`);
  return found.userId;
}

/** Resolves when the conversation is there, active, and with this person's first entries read. */
export const entered = (engine: HeadlessEngine, id: ConversationId): Promise<void> =>
  until(engine, ({ conversations }) => conversations.some((view) => view.conversationId === id && view.active));

/** All texts, oldest first. */
export async function textsOf(engine: HeadlessEngine, id: ConversationId): Promise<readonly string[]> {
  return (await entriesOf(engine, id)).map(({ text }) => text);
}

/** All that can be read, oldest first. */
export async function entriesOf(engine: HeadlessEngine, id: ConversationId): Promise<readonly TextEntry[]> {
  const all: TextEntry[] = [];
  for (let before: number | null = null; ; ) {
    const page: readonly TextEntry[] = await engine.readTexts(id, before, 100);
    all.push(...page);
    before = page.at(-1)?.sequence ?? null;
    if (before === null) return all.toReversed();
  }
}

/** Resolves when this text became part of the engine's log, from now on. */
export const hears = (engine: HeadlessEngine, text: string): Promise<void> =>
  new Promise((resolve) => {
    const stop = engine.onText((_id, entry) => {
      if (entry.text !== text) return;
      stop();
      resolve();
    });
  });

/** Throws when the conversation is not there. */
export const viewOf = (engine: HeadlessEngine, id: ConversationId): EngineSnapshot['conversations'][number] => {
  const found = engine.snapshot().conversations.find((view) => view.conversationId === id);
  if (found === undefined) throw new Error('no such conversation');
  return found;
};

/** Code that a call was refused with. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'nothing was refused';
  } catch (cause) {
    if (cause instanceof LanyingError) return cause.code;
    throw cause;
  }
}

/** A device's own secrets, for whoever forges in its name. */
export async function accountOn(profile: MemoryProfile): Promise<{ readonly state: AccountState; readonly store: SealedStore }> {
  const store = await SealedStore.open(reading(profile));
  const state = await store.get(account);
  if (state === null) throw new Error('no account');
  return { state, store };
}

/** Looks into a profile without fencing off the engine that lives on it. */
export function reading(profile: MemoryProfile): LocalStore {
  const { fence } = profile;
  const store = openMemoryStore(profile);
  profile.fence = fence;
  return store;
}
