/** From a page to the engine: starts or joins the worker. */
import { browserPasskeys } from '../passkeys.ts';
import { holdPageLock } from './locks.ts';
import { connectRemoteEngine, type RemoteEngine } from './remote-engine.ts';
import { channelOf, type Port } from './wire.ts';

/** Where SharedWorker is missing (Chrome on Android before 2026) each page has a worker, and the lock picks one. */
function startWorker(url: string, onError: () => void): Port {
  if (typeof SharedWorker === 'function') {
    const worker = new SharedWorker(url, { type: 'module', name: 'lanying' });
    worker.addEventListener('error', onError);
    return worker.port;
  }
  const worker = new Worker(url, { type: 'module', name: 'lanying' });
  worker.addEventListener('error', onError);
  return worker;
}

/** `workerUrl`: the built engine-worker.ts, same origin, as `allowScripts` gives it. */
export async function connectEngine(workerUrl: string): Promise<RemoteEngine> {
  const lock = await holdPageLock();
  let remote: RemoteEngine | null = null;
  const port = startWorker(workerUrl, () => remote?.fail());
  remote = connectRemoteEngine(channelOf(port), browserPasskeys, lock);
  return remote;
}
