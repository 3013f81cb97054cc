/** The real host with the demo engine in it: proves worker, lock, Trusted Types and messages in a browser. */
import { createEngineHost } from '../../../../web/platform/browser/host/engine-host.ts';
import { acquireEngineLock, onLockFree } from '../../../../web/platform/browser/host/locks.ts';
import { channelOf, type Port } from '../../../../web/platform/browser/host/wire.ts';
import { createDemoEngine } from './demo-engine.ts';

const host = createEngineHost({
  createEngine: async () => createDemoEngine({ scene: 'ready', now: Date.now() }),
  acquire: acquireEngineLock,
  onPageGone: onLockFree,
});
const scope: unknown = self;
const isPort = (value: unknown): value is Port => typeof value === 'object' && value !== null && 'postMessage' in value;
if (isPort(scope)) host.connect(channelOf(scope));
else {
  self.addEventListener('connect', (event) => {
    const [port] = event instanceof MessageEvent ? event.ports : [];
    if (port !== undefined) host.connect(channelOf(port));
  });
}
