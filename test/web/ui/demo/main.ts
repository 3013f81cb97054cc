import { connectEngine } from '../../../../web/platform/browser/host/connect.ts';
import { allowScripts } from '../../../../web/platform/browser/scripts.ts';
import { browserStorage } from '../../../../web/platform/browser/storage-keeping.ts';
import { start } from '../../../../web/ui/start.tsx';
import { createDemoEngine, type Scene } from './demo-engine.ts';
// The query makes the bundler export the address of the built worker.
// oxlint-disable-next-line import/default
import workerUrl from './demo-worker.ts?sharedworker&url';

const parameters = new URLSearchParams(location.search);
const scenes: readonly Scene[] = ['signed-out', 'setup', 'locked', 'ready', 'empty', 'starting'];
// A browser that keeps what it stores, or with `?evicts` one that refuses to promise it.
const keeps = async (): Promise<boolean> => !parameters.has('evicts');
const demoStorage = { persisted: keeps, persist: keeps };
const root = document.getElementById('root');
if (root === null) throw new Error('no root');
if (location.pathname === '/hosted.html') {
  // The worker and the security policy of the product, with the demo engine behind them.
  if (parameters.has('dedicated')) Object.assign(window, { SharedWorker: undefined });
  await start(await connectEngine(allowScripts([workerUrl])(workerUrl)), root, browserStorage);
} else {
  const scene = scenes.find((item) => item === parameters.get('scene')) ?? 'ready';
  const engine = createDemoEngine({ scene, now: Date.now(), offline: parameters.has('offline'), full: parameters.has('full') ? Number(parameters.get('full')) : null, clockJumped: parameters.has('clock'), auditForked: parameters.has('forked'), asMember: parameters.has('member'), directory: (['forked', 'cut'] as const).find((fault) => fault === parameters.get('directory')) ?? null });
  Object.assign(window, { demo: engine });
  await start({ engine, state: () => (parameters.has('elsewhere') ? 'elsewhere' : 'ready'), onState: () => () => undefined, takeOver: () => undefined }, root, demoStorage);
}
