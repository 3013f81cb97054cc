/** What the client does while somebody waits, in the order in which one profile goes through it. */
import type { Tab } from '../../test/harness/browser.ts';
import { sentences } from '../../test/harness/long-history.ts';
import { engineHeap, pageHeap } from './heap.ts';
import { frames, now, number, painted, quantile, scroll, withProbes } from './probes.ts';
import { atMost, told, type WebRow } from './report.ts';
import { longTitle, shortTitle, type Stage } from './stage.ts';

const last = 'the last one of them all';
const shortLast = [...sentences(300)].at(-1) ?? '';
const restMs = 1_500;
const rest = (tab: Tab, ms = restMs): Promise<void> => tab.page.waitForTimeout(ms);

/** Fills the browser by the true way: everything is fetched, checked, opened and stored. */
export async function fillRow(stage: Stage): Promise<WebRow> {
  await stage.author.write(stage.long, sentences(stage.count));
  await stage.author.write(stage.long, [last]);
  const tab = await withProbes(await stage.tab());
  tab.page.setDefaultTimeout(900_000);
  await tab.page.goto(`${stage.origin}/`);
  const start = await now(tab);
  await tab.row(longTitle).getByText(last).waitFor();
  const ms = (await now(tab)) - start;
  await readToEnd(stage, tab, stage.long, last);
  await readToEnd(stage, tab, stage.short, shortLast);
  await rest(tab, 8_000);
  await stage.closeBrowser();
  return told('catch-up with everything checked, opened and stored', stage.count / (ms / 1_000), 'messages/s');
}

/** What is unread opens at its beginning: read, it opens at its end. */
async function readToEnd(stage: Stage, tab: Tab, id: string, text: string): Promise<void> {
  await tab.page.goto(`${stage.origin}/c/${id}`);
  await tab.log.waitFor();
  await tab.page.evaluate("setInterval(() => { const log = document.querySelector('.log'); if (log !== null) log.scrollTop = log.scrollHeight; }, 100)");
  await painted(tab, text);
  await rest(tab);
}

export async function openRows(stage: Stage): Promise<readonly WebRow[]> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const tab = await withProbes(await stage.tab());
    await tab.page.goto(`${stage.origin}/c/${stage.long}`);
    cold.push(await painted(tab, last));
    await rest(tab);
    for (let again = 0; again < 3; again += 1) {
      await tab.page.reload();
      warm.push(await painted(tab, last));
      await rest(tab);
    }
    await stage.closeBrowser();
  }
  return [
    atMost('cold open, painted at the bottom', quantile(cold, 0.5), 'ms', 500),
    atMost('warm reload, painted at the bottom', quantile(warm, 0.5), 'ms', 250),
  ];
}

/** Milliseconds from the press until the other conversation's last message is painted. */
async function switchTo(tab: Tab, title: string, text: string): Promise<number> {
  return number(
    tab,
    `new Promise((resolve) => {
      const row = [...document.querySelectorAll('.list-row')].find((e) => e.textContent.includes(${JSON.stringify(title)}));
      const start = performance.now();
      row.click();
      bench.painted(${JSON.stringify(text)}).then((at) => resolve(at - start));
    })`,
  );
}

export async function livingRows(stage: Stage): Promise<readonly WebRow[]> {
  const tab = await withProbes(await stage.tab());
  await tab.page.goto(`${stage.origin}/c/${stage.long}`);
  await painted(tab, last);
  await rest(tab);
  const switches: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    switches.push(await switchTo(tab, shortTitle, shortLast));
    await rest(tab, 200);
    switches.push(await switchTo(tab, longTitle, last));
    await rest(tab, 200);
  }
  const scrolled = await scroll(tab, 5_000, 40);
  await tab.page.reload();
  await painted(tab, last);
  const heaps = [await pageHeap(tab), await engineHeap(stage.context)];
  const rows = [
    atMost('switch conversation, p50', quantile(switches, 0.5), 'ms', 100),
    atMost('switch conversation, p95', quantile(switches, 0.95), 'ms', 200),
    atMost(`scroll for 5 s: frames with a blank, of ${scrolled.frames}`, scrolled.blank, 'frames', 0),
    atMost('scroll: frame time, p95', quantile(scrolled.times, 0.95), 'ms', 20),
    atMost('heap of the page', heaps[0] ?? Number.NaN, 'MB', 40),
    atMost('heap of the engine', heaps[1] ?? Number.NaN, 'MB', 60),
    ...(await searchRows(stage, tab)),
    ...(await sendRows(tab)),
    ...(await liveRows(stage, tab)),
  ];
  await stage.closeBrowser();
  return rows;
}

/** From the letters to the frame that shows what was found: the first time everything is read and opened, later ones look through memory. */
async function searchRows(stage: Stage, tab: Tab): Promise<readonly WebRow[]> {
  await tab.page.keyboard.press('Control+F');
  await tab.page.locator('.search-input').waitFor();
  const start = await now(tab);
  const oldest = '#2';
  await tab.page.locator('.chip-remove').click();
  await number(tab, `bench.found('${oldest}')`);
  await tab.page.getByText(new RegExp(`${(stage.count + 301).toLocaleString('en')} messages on this device`)).waitFor();
  const first = (await now(tab)) - start;
  const later: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const word = round % 2 === 0 ? `#${Math.floor((stage.count / 41) * (round + 1))}` : ['起重机', 'harbour', '合同', 'pier seven'][Math.floor(round / 2) % 4];
    later.push(await number(tab, `bench.found(${JSON.stringify(word)})`));
  }
  await tab.page.keyboard.press('Escape');
  await tab.page.keyboard.press('Escape');
  return [
    atMost('search, the first: everything read, opened and looked through', first, 'ms', 800),
    atMost('search, later ones to paint, p50', quantile(later, 0.5), 'ms', 30),
    atMost('search, later ones to paint, p95', quantile(later, 0.95), 'ms', 30),
  ];
}

/** From the key to the frame with the bubble. */
async function sendRows(tab: Tab): Promise<readonly WebRow[]> {
  const times: number[] = [];
  for (let at = 0; at < 40; at += 1) {
    const text = `said in the bench ${at} of many`;
    await tab.field('Message').fill(text);
    times.push(
      await number(
        tab,
        `new Promise((resolve) => {
          const field = document.activeElement;
          const start = performance.now();
          field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
          bench.painted(${JSON.stringify(text)}).then((end) => resolve(end - start));
        })`,
      ),
    );
    await rest(tab, 60);
  }
  return [atMost('send key to paint, p50', quantile(times, 0.5), 'ms', 17), atMost('send key to paint, p95', quantile(times, 0.95), 'ms', 34)];
}

const liveSeconds = 5;
const perSecond = 50;

async function liveRows(stage: Stage, tab: Tab): Promise<readonly WebRow[]> {
  await stage.author.ready();
  const idle = await frames(tab, 2_000);
  const texts = (function* () {
    yield* sentences(liveSeconds * perSecond, 1_000_000);
  })();
  const [during] = await Promise.all([frames(tab, liveSeconds * 1_000), stage.author.pace(stage.long, texts, perSecond)]);
  const slow = (times: readonly number[]): number => (times.filter((ms) => ms > 20).length / times.length) * 100;
  return [
    atMost(`${perSecond} live messages a second: frames over 20 ms, beyond those of an idle page (${slow(idle).toFixed(1)} %)`, Math.max(0, slow(during) - slow(idle)), '%', 0.5),
    told('the same: frame time, p95', quantile(during, 0.95), 'ms'),
  ];
}
