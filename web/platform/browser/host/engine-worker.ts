/**
 * The worker that holds the engine: a SharedWorker where there is one, else a dedicated worker for each page, of which
 * the one with the lock works.
 */
import { createEngine } from '../../../engine/client.ts';
import { browserNetwork } from '../network.ts';
import { systemRuntime } from '../../runtime.ts';
import { openBrowserStore } from '../store.ts';
import { createEngineHost } from './engine-host.ts';
import { acquireEngineLock, onLockFree } from './locks.ts';
import { channelOf, type Port } from './wire.ts';

const host = createEngineHost({
  async createEngine(passkeys) {
    const store = await openBrowserStore();
    return createEngine({ runtime: systemRuntime, network: browserNetwork(self.location.origin), store, passkeys });
  },
  acquire: acquireEngineLock,
  onPageGone: onLockFree,
});

const scope: unknown = self;
interface SharedScope {
  addEventListener(type: 'connect', listener: (event: { readonly ports: readonly MessagePort[] }) => void): void;
}
const isShared = (value: unknown): value is SharedScope => typeof value === 'object' && value !== null && 'onconnect' in value;
const isPort = (value: unknown): value is Port => typeof value === 'object' && value !== null && 'postMessage' in value && 'onmessage' in value;

if (isShared(scope)) {
  scope.addEventListener('connect', (event) => {
    const [port] = event.ports;
    if (port !== undefined) host.connect(channelOf(port));
  });
} else if (isPort(scope)) host.connect(channelOf(scope));
