/** From a page to the engine: starts or joins the worker, through the one Trusted Types policy of the product. */
import { browserPasskeys } from '../passkeys.ts';
import { holdPageLock } from './locks.ts';
import { connectRemoteEngine, type RemoteEngine } from './remote-engine.ts';
import { channelOf, type Port } from './wire.ts';

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}
declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypes;
  }
}

/** Exactly this address may become worker code; anything else throws, whoever asks. */
const only = (allowed: string) => ({
  createScriptURL(url: string): string {
    if (url !== allowed) throw new TypeError('not one of our scripts');
    return url;
  },
});

/** Where SharedWorker is missing (Chrome on Android before 2026) each page has a worker, and the lock picks one. */
function startWorker(workerUrl: string, onError: () => void): Port {
  const rules = only(workerUrl);
  const policy = window.trustedTypes?.createPolicy('lanying', rules) ?? rules;
  const url = policy.createScriptURL(workerUrl);
  if (typeof SharedWorker === 'function') {
    const worker = new SharedWorker(url, { type: 'module', name: 'lanying' });
    worker.addEventListener('error', onError);
    return worker.port;
  }
  const worker = new Worker(url, { type: 'module', name: 'lanying' });
  worker.addEventListener('error', onError);
  return worker;
}

/** `workerUrl`: the built engine-worker.ts, same origin. Call once: the policy can be made once. */
export async function connectEngine(workerUrl: string): Promise<RemoteEngine> {
  const lock = await holdPageLock();
  let remote: RemoteEngine | null = null;
  const port = startWorker(workerUrl, () => remote?.fail());
  remote = connectRemoteEngine(channelOf(port), browserPasskeys, lock);
  return remote;
}
