/** What is measured inside the page: when something is painted, how long frames take, whether a list shows blanks. */
import * as v from 'valibot';
import type { Tab } from '../../test/harness/browser.ts';

/** Installed before anything of the page runs. `painted(text)`: milliseconds of the page's clock when a message row with it was in a frame. */
const source = `(() => {
  const bench = (globalThis.bench = {});
  const has = (text) => [...document.querySelectorAll('.log .own-bubble, .log .other-text')].some((e) => e.textContent.includes(text));
  bench.painted = (text) => new Promise((resolve) => {
    // In the frame that shows it, and a task behind that frame's paint.
    const look = () => { if (!has(text)) return requestAnimationFrame(look); const { port1, port2 } = new MessageChannel(); port1.onmessage = () => resolve(performance.now()); port2.postMessage(0); };
    requestAnimationFrame(look);
  });
  bench.type = (field, text) => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };
  bench.found = (text) => new Promise((resolve) => {
    const start = performance.now();
    bench.type(document.querySelector('.search-input'), text);
    const look = () => {
      const all = [...document.querySelectorAll('.hit-text')];
      if (all.length === 0 || !all.every((e) => e.textContent.includes(text))) return requestAnimationFrame(look);
      const { port1, port2 } = new MessageChannel(); port1.onmessage = () => resolve(performance.now() - start); port2.postMessage(0);
    };
    requestAnimationFrame(look);
  });
  bench.frames = (ms) => new Promise((resolve) => {
    const times = []; let before = performance.now(); const end = before + ms;
    const tick = () => { const now = performance.now(); times.push(now - before); before = now; now < end ? requestAnimationFrame(tick) : resolve(times); };
    requestAnimationFrame(tick);
  });
  bench.scroll = (ms, step) => new Promise((resolve) => {
    const log = document.querySelector('.log'); const box = log.getBoundingClientRect();
    let frames = 0, blank = 0; const times = []; let before = performance.now(); const end = before + ms;
    const full = () => [0.1, 0.3, 0.5, 0.7, 0.9].every((at) => {
      const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height * at);
      return found !== null && found !== log && log.contains(found) && found.parentElement !== log;
    });
    const tick = () => {
      const now = performance.now(); times.push(now - before); before = now; frames += 1;
      if (!full()) blank += 1;
      log.scrollTop -= step;
      now < end ? requestAnimationFrame(tick) : resolve({ frames, blank, times });
    };
    requestAnimationFrame(tick);
  });
})();`;

export async function withProbes(tab: Tab): Promise<Tab> {
  await tab.page.addInitScript(source);
  return tab;
}

const Scrolled = v.object({ frames: v.number(), blank: v.number(), times: v.array(v.number()) });

/** Milliseconds since the page's navigation began until a frame shows a message with this text. */
export const painted = async (tab: Tab, text: string): Promise<number> => v.parse(v.number(), await tab.page.evaluate(`bench.painted(${JSON.stringify(text)})`));
export const now = async (tab: Tab): Promise<number> => v.parse(v.number(), await tab.page.evaluate('performance.now()'));
export const frames = async (tab: Tab, ms: number): Promise<readonly number[]> => v.parse(v.array(v.number()), await tab.page.evaluate(`bench.frames(${ms})`));
export const scroll = async (tab: Tab, ms: number, step: number): Promise<v.InferOutput<typeof Scrolled>> =>
  v.parse(Scrolled, await tab.page.evaluate(`bench.scroll(${ms}, ${step})`));
/** Runs an expression and gives its number. */
export const number = async (tab: Tab, expression: string): Promise<number> => v.parse(v.number(), await tab.page.evaluate(expression));

export const quantile = (values: readonly number[], at: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * at))] ?? Number.NaN;
