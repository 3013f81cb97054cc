/**
 * `lanying/sdk`: the web client's engine without a screen, for bots and tools on Node 20 and later. Everything is
 * end-to-end encrypted exactly as in the browser; keys never leave this process (or its `store` folder).
 *
 *     const owner = await setup({ origin, token, handle: 'ada', displayName: 'Ada', password });
 *     const { link } = await owner.createInvite();
 *     const bob = await register({ origin, invite: link, handle: 'bob', displayName: 'Bob', password });
 *     bob.on('message', ({ conversation, message }) => console.log(message.from, message.text));
 *     const talk = await owner.conversations.create({ title: 'Plans', members: ['bob'] });
 *     await talk.send({ text: 'hello' });
 */
import { createEngine } from '../engine/client.ts';
import { type EngineSnapshot, type Grant, LanyingError as EngineError, type RecoveryCodes } from '../engine/api.ts';
import { openFolderStore } from '../platform/node/folder-store.ts';
import { openMemoryStore } from '../platform/node/memory-store.ts';
import { nodeNetwork } from '../platform/node/network.ts';
import { nodePasskeys } from '../platform/node/passkeys.ts';
import { systemRuntime } from '../platform/runtime.ts';
import { SdkAudit } from './audit.ts';
import { SdkClient } from './client.ts';
import type { HeadlessEngine } from './engine.ts';
import type { Client, NewAccountOptions, RegisterOptions, SdkError, ServerOptions, SetupOptions, SignInOptions } from './types.ts';

export type * from './types.ts';
/** Class of every error of this SDK, for `instanceof`; look at its `code`. */
export const LanyingError: abstract new (...parts: never[]) => SdkError = EngineError;
export type LanyingError = SdkError;

const labelDefault = 'lanying SDK';

/** Makes the first account, the owner's, of a new server. `setup.done`, `setup.token_invalid`, `password.weak`, `handle.taken`. */
export function setup(options: SetupOptions): Promise<Client> {
  return createAccount(options, { kind: 'setup', token: options.token });
}

/** Makes an account by an invite. `invite.unknown`, `invite.expired`, `invite.used`, `invite.revoked`, `password.weak`, `handle.taken`. */
export function register(options: RegisterOptions): Promise<Client> {
  return createAccount(options, { kind: 'invite', token: tokenOf(options.invite) });
}

/**
 * Signs in with a password, and what has to follow it: `sign_in.failed`, `second_step.required`, `rate.limited`, `recovery_code.malformed`, `recovery_code.wrong`. On a new
 * device without a recovery code the session is good, but the vault is not open: everything except `close` then rejects
 * with `vault.locked`, and `me` throws it.
 */
export async function signIn(options: SignInOptions): Promise<Client> {
  const opened = await openEngine(options);
  const { engine } = opened;
  try {
    await passSignIn(engine, options);
    await settled(engine);
    const { account } = engine.snapshot();
    if (account.state === 'vault-locked' && options.recoveryCode !== undefined) await engine.unlockWithRecoveryCode(options.recoveryCode);
    return await clientOf(opened, null);
  } catch (cause) {
    await engine.close();
    throw cause;
  }
}

async function passSignIn(engine: HeadlessEngine, { handle, password, deviceLabel = labelDefault, secondStep }: SignInOptions): Promise<void> {
  try {
    await engine.signInWithPassword(handle, password, deviceLabel);
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'second_step.required' || secondStep === undefined) throw cause;
    await engine.signInSecondStep(await secondStep(cause.detail.methods ?? []));
  }
}

async function createAccount(options: NewAccountOptions, grant: Grant): Promise<Client> {
  const opened = await openEngine(options);
  const { engine } = opened;
  try {
    if (engine.snapshot().account.state !== 'signed-out') throw new EngineError('account.exists');
    const { handle, displayName, password, deviceLabel = labelDefault } = options;
    const codes = await engine.prepareAccount({ grant, handle, displayName, factor: { kind: 'password', password }, deviceLabel });
    await engine.finishAccount();
    return await clientOf(opened, codes);
  } catch (cause) {
    await engine.close();
    throw cause;
  }
}

/** Only the fragment of a link carries the token, so that no server's log has it. */
function tokenOf(invite: string): string {
  const at = invite.indexOf('#');
  return at < 0 ? invite.trim() : (new URLSearchParams(invite.slice(at + 1).trim()).get('token') ?? '');
}

interface Opened {
  readonly engine: HeadlessEngine;
  readonly audit: SdkAudit;
}

async function openEngine({ origin, store }: ServerOptions): Promise<Opened> {
  const network = nodeNetwork(origin);
  const engine = await createEngine({
    runtime: systemRuntime,
    network,
    store: store === undefined ? openMemoryStore() : await openFolderStore(store),
    passkeys: nodePasskeys,
  });
  await settled(engine);
  return { engine, audit: new SdkAudit(network) };
}

/** Waits until the engine knows where this device stands. */
function settled(engine: HeadlessEngine): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ account }: EngineSnapshot): void => {
      if (account.state === 'starting') return;
      stop();
      resolve();
    };
    const stop = engine.onSnapshot(look);
    look(engine.snapshot());
  });
}

/** Caught up once, unless the vault is locked: what follows may ask the server at once. */
async function clientOf({ engine, audit }: Opened, codes: RecoveryCodes | null): Promise<Client> {
  if (engine.snapshot().account.state === 'ready') await engine.synced();
  return new SdkClient(engine, audit, codes, (cause) => {
    systemRuntime.after(0, () => {
      throw cause;
    });
  });
}
