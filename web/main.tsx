import { connectEngine } from './platform/browser/host/connect.ts';
// The queries make the bundler export the addresses of the built workers.
// oxlint-disable-next-line import/default
import engineUrl from './platform/browser/host/engine-worker.ts?sharedworker&url';
import { allowScripts } from './platform/browser/scripts.ts';
import { connectSearch } from './platform/browser/search/remote-search.ts';
// oxlint-disable-next-line import/default
import searchUrl from './platform/browser/search/search-worker.ts?worker&url';
import { browserStorage } from './platform/browser/storage-keeping.ts';
import { start } from './ui/start.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
const script = allowScripts([engineUrl, searchUrl]);
const search = connectSearch(() => new Worker(script(searchUrl), { type: 'module', name: 'lanying-search' }));
await start(await connectEngine(script(engineUrl)), root, browserStorage, search);
