/** Heaps after a collection, as the debugger tells them. */
import type { BrowserContext } from 'playwright-core';
import * as v from 'valibot';
import type { Tab } from '../../test/harness/browser.ts';

const mega = 1024 * 1024;
const Usage = v.object({ usedSize: v.number() });

export async function pageHeap(tab: Tab): Promise<number> {
  await tab.cdp.send('HeapProfiler.collectGarbage');
  return v.parse(Usage, await tab.cdp.send('Runtime.getHeapUsage')).usedSize / mega;
}

/** Of the SharedWorker: reached through a session of the browser, because pages do not own it. */
export async function engineHeap(context: BrowserContext): Promise<number> {
  const browser = context.browser();
  if (browser === null) return Number.NaN;
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  const worker = targetInfos.find(({ type }) => type === 'shared_worker');
  if (worker === undefined) return Number.NaN;
  const { sessionId } = await session.send('Target.attachToTarget', { targetId: worker.targetId, flatten: false });
  const ask = (id: number, method: string): Promise<unknown> =>
    new Promise((resolve) => {
      const hear = (event: { readonly message: string }): void => {
        const answer = v.parse(v.object({ id: v.optional(v.number()), result: v.optional(v.unknown()) }), JSON.parse(event.message));
        if (answer.id !== id) return;
        session.off('Target.receivedMessageFromTarget', hear);
        resolve(answer.result);
      };
      session.on('Target.receivedMessageFromTarget', hear);
      session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) }).catch(() => undefined);
    });
  await ask(1, 'HeapProfiler.collectGarbage');
  const { usedSize } = v.parse(Usage, await ask(2, 'Runtime.getHeapUsage'));
  await session.detach();
  return usedSize / mega;
}
