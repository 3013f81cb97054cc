import { connectEngine } from './platform/browser/host/connect.ts';
// The query makes the bundler export the address of the built worker.
// oxlint-disable-next-line import/default
import workerUrl from './platform/browser/host/engine-worker.ts?sharedworker&url';
import { browserStorage } from './platform/browser/storage-keeping.ts';
import { start } from './ui/start.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
await start(await connectEngine(workerUrl), root, browserStorage);
