/** Walks every screen over the demo engine: pictures into test/e2e/artifacts/screens, and axe's verdict on each. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { root } from '../../../../vite.config.ts';
import type { DemoSite } from './demo-site.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
type Step = (page: Page) => Promise<void>;
interface Screen {
  readonly name: string;
  readonly path: string;
  readonly step?: Step;
  /** What must be there after the step. */
  readonly opens?: string;
}
const names = {
  en: { new: 'New conversation', invite: 'Create invite', make: 'Make a link', people: 'People', settings: 'Settings', members: 'Members', next: 'Continue', name: 'Your name', notices: /security notices/, handle: 'Handle', password: 'Password', kept: 'I have kept it', card: /^Password/, forget: 'Sign out and forget this device', devices: 'Devices', remove: /^Remove Safari/, letIn: 'Enter the code of a new device', code: 'Code', vault: 'Recovery', replace: /^Replace/, show: 'Show the new code', byDevice: 'Let in by another device', same: 'They are the same', exports: 'Export', add: 'Add a rule', change: 'Change the rule: Messages', preview: 'Preview', hold: 'Ask for a hold', choose: 'Choose a person', reason: 'Reason', ask: 'Ask for erasure', erase: 'Erase my account…', days: 'Days', data: 'My data', none: 'I have none of these' },
  'zh-CN': { new: '新会话', invite: '创建邀请', make: '生成链接', people: '通讯录', settings: '设置', members: '成员', next: '继续', name: '你的姓名', notices: /安全通知/, handle: '用户名', password: '密码', kept: '我已保存', card: /^密码/, forget: '退出并清除此设备', devices: '设备', remove: /^移除Safari/, letIn: '输入新设备的代码', code: '代码', vault: '恢复', replace: /^更换/, show: '显示新代码', byDevice: '由另一台设备批准', same: '完全相同', exports: '导出', add: '添加规则', change: '更改规则：消息', preview: '预览', hold: '申请保全', choose: '选择人员', reason: '理由', ask: '申请删除', erase: '删除我的账号…', days: '天数', data: '我的数据', none: '这些我都没有' },
} as const;
type Locale = keyof typeof names;

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).first().click();
const at = (id: string) => `/c/${id.padEnd(22, '0')}`;

/** What administrators see, and everybody of their own data. */
function administration(locale: Locale): readonly Screen[] {
  const n = names[locale];
  return [
    { name: 'admin-audit', path: '/admin/audit', opens: '.entry-row' },
    { name: 'admin-audit-open', path: '/admin/audit', step: async (page) => (await page.locator('.entry-row').nth(3).click(), page.locator('.entry-row').first().click()), opens: '.entry-details' },
    { name: 'admin-audit-forked', path: '/admin/audit?forked', opens: '.alarm' },
    { name: 'admin-audit-export', path: '/admin/audit', step: (page) => press(page, n.exports), opens: '.dialog' },
    { name: 'admin-retention', path: '/admin/retention', step: (page) => press(page, n.preview), opens: '.pill-danger' },
    { name: 'admin-retention-clock', path: '/admin/retention?clock&scene=empty', opens: '.panel-warn' },
    { name: 'admin-rule', path: '/admin/retention', step: async (page) => (await press(page, n.change), page.getByRole('textbox', { name: n.days, exact: true }).fill('30')), opens: '.note-warn' },
    { name: 'admin-rule-add', path: '/admin/retention', step: (page) => press(page, n.add), opens: '.dialog' },
    { name: 'admin-holds', path: '/admin/holds', opens: '.pill-warn' },
    { name: 'admin-holds-none', path: '/admin/holds?scene=empty', opens: '.empty' },
    { name: 'admin-hold', path: '/admin/holds', step: async (page) => (await press(page, n.hold), page.locator('button[type=submit]').click()), opens: '.field-error' },
    { name: 'admin-erasure', path: '/admin/erasure', opens: '.receipt' },
    { name: 'admin-erase', path: '/admin/erasure', step: (page) => press(page, n.choose), opens: '.dialog' },
    { name: 'admin-erase-confirm', path: '/admin/erasure', step: async (page) => (await press(page, n.choose), await page.getByRole('textbox', { name: n.reason, exact: true }).fill('Asked by letter'), press(page, n.ask)), opens: '.dialog .button-danger' },
    { name: 'admin-member', path: '/admin/audit?member', opens: '.empty' },
    { name: 'alarm', path: '/?forked', opens: '.alarm' },
    { name: 'alarm-open', path: `${at('product')}?forked`, opens: '.alarm' },
    { name: 'my-data', path: '/?member', step: async (page) => (await press(page, n.settings), await page.getByRole('tab', { name: n.data }).click(), press(page, n.erase)), opens: '.dialog .button-plain' },
  ];
}

/** One's devices and recovery, in the settings and at the door. */
function ownScreens(n: (typeof names)[Locale]): readonly Screen[] {
  const turnTo = async (shown: Page, name: string): Promise<void> => {
    await press(shown, n.settings);
    await shown.getByRole('tab', { name, exact: true }).click();
  };
  const letIn: Step = async (shown) => {
    await turnTo(shown, n.devices);
    await press(shown, n.letIn);
    await shown.getByRole('textbox', { name: n.code, exact: true }).fill('7KQM-2F9D');
    await shown.keyboard.press('Enter');
  };
  return [
    { name: 'devices', path: '/', step: (shown) => turnTo(shown, n.devices), opens: '.device-row' },
    { name: 'devices-remove', path: '/', step: async (shown) => (await turnTo(shown, n.devices), await press(shown, n.remove)), opens: '.device-form' },
    { name: 'approval-old', path: '/', step: letIn, opens: '.signs' },
    { name: 'approval-done', path: '/', step: async (shown) => (await letIn(shown), await press(shown, n.same)), opens: '.note[role=status]' },
    { name: 'approval-new', path: '/?scene=locked', step: (shown) => press(shown, n.byDevice), opens: '.qr' },
    { name: 'anew', path: '/?scene=locked', step: (shown) => press(shown, n.none), opens: '.notice-list' },
    { name: 'vault', path: '/', step: (shown) => turnTo(shown, n.vault), opens: '.device-row' },
    { name: 'vault-issue', path: '/', step: async (shown) => (await turnTo(shown, n.vault), await press(shown, n.replace), await press(shown, n.show)), opens: '.code' },
  ];
}

/** Safety numbers, and the alarm of the key directory. */
function verification(push: (page: Page, name: string | RegExp) => Promise<void>, people: string): readonly Screen[] {
  const product = `/c/${'product'.padEnd(22, '0')}`;
  /** The safety number of somebody in the list of people. */
  const compare = async (page: Page, place: number): Promise<void> => {
    await push(page, people);
    await page.locator('.dialog .rows-row').nth(place).getByRole('button').last().click();
  };
  const type = async (page: Page, digits: (page: Page) => Promise<string>): Promise<void> => {
    await compare(page, 1);
    await page.locator('.dialog .field-input').fill(await digits(page));
  };
  return [
    { name: 'directory-forked', path: `${product}?directory=forked`, opens: '.full-danger' },
    { name: 'directory-cut', path: '/?directory=cut', opens: '.full' },
    { name: 'directory-decide', path: '/?directory=forked', step: (page) => page.locator('.alarm-row .button').click(), opens: '.dialog .button-danger' },
    { name: 'verify', path: '/', step: (page) => compare(page, 1), opens: '.dialog .digits' },
    { name: 'verify-equal', path: '/', step: (page) => type(page, async () => (await page.locator('.digits li').allTextContents()).join(' ')), opens: '.dialog .button-primary' },
    { name: 'verify-different', path: '/', step: (page) => type(page, () => Promise.resolve('99999')), opens: '.field-error' },
    { name: 'verified', path: '/', step: (page) => compare(page, 0), opens: '.safety-verified' },
  ];
}

function screens(locale: Locale): readonly Screen[] {
  const n = names[locale];
  const who: Step = async (page) => {
    await page.getByLabel(n.name).fill('Emre Kaya');
    await press(page, n.next);
  };
  const factor: Step = async (page) => {
    await who(page);
    await press(page, n.next);
    await page.getByRole('radio', { name: n.card }).check();
    await page.getByRole('textbox', { name: n.password, exact: true }).fill('correct horse battery');
  };
  const wrong: Step = async (page) => {
    await page.getByRole('textbox', { name: n.handle, exact: true }).fill('emre');
    await page.getByRole('textbox', { name: n.password, exact: true }).fill('short');
    await page.locator('button[type=submit]').click();
  };
  const recovery: Step = async (page) => {
    await factor(page);
    await press(page, n.next);
    await page.getByRole('button', { name: n.kept }).waitFor();
  };
  return [
    { name: 'signin', path: '/signin?scene=signed-out' },
    { name: 'locked', path: '/?scene=locked' },
    { name: 'elsewhere', path: '/?elsewhere' },
    { name: 'needs-setup', path: '/?scene=setup' },
    { name: 'join-expired', path: '/join?scene=signed-out#token=expired-token-000000' },
    { name: 'setup-1-who', path: '/setup?scene=setup#token=abcdefghijklmnopqr' },
    { name: 'setup-2-notice', path: '/setup?scene=setup#token=abcdefghijklmnopqr', step: who },
    { name: 'setup-3-factor', path: '/join?scene=signed-out#token=abcdefghijklmnopqr', step: factor },
    { name: 'setup-4-recovery', path: '/join?scene=signed-out#token=abcdefghijklmnopqr', step: recovery },
    { name: 'setup-5-confirm', path: '/join?scene=signed-out#token=abcdefghijklmnopqr', step: async (page) => (await recovery(page), press(page, n.kept)) },
    { name: 'list', path: '/?scene=ready' },
    { name: 'list-evicts', path: '/?evicts', opens: '.keeping' },
    { name: 'list-none', path: '/', step: (page) => page.getByRole('searchbox').fill('qqq'), opens: '.list-none' },
    { name: 'error', path: '/signin?scene=signed-out', step: wrong, opens: '.note-danger' },
    { name: 'list-empty', path: '/?scene=empty' },
    { name: 'product', path: at('product') },
    { name: 'unread', path: at('lin') },
    { name: 'failed', path: `${at('oncall')}?offline`, opens: '.banner' },
    { name: 'full', path: `${at('product')}?full=2`, opens: '.full' },
    { name: 'full-list', path: '/?full=0', opens: '.full' },
    { name: 'blocked', path: at('zhao') },
    { name: 'left', path: at('old') },
    { name: 'halted', path: at('forked') },
    { name: 'long', path: at('long') },
    { name: 'conversation-empty', path: at('empty') },
    { name: 'members', path: at('product'), step: (page) => page.locator('.head').getByRole('button', { name: n.members }).click(), opens: '.members' },
    { name: 'new', path: '/', step: (page) => press(page, n.new), opens: '.dialog' },
    { name: 'invite', path: '/', step: async (page) => (await press(page, n.invite), press(page, n.make)), opens: '.dialog' },
    { name: 'people', path: '/', step: (page) => press(page, n.people), opens: '.dialog' },
    { name: 'settings', path: '/', step: (page) => press(page, n.settings), opens: '.dialog' },
    ...ownScreens(n),
    { name: 'keys', path: '/', step: (page) => page.keyboard.press('?'), opens: '.dialog' },
    { name: 'remove', path: at('product'), step: async (page) => (await page.locator('.head').getByRole('button', { name: n.members }).click(), await page.locator('.members .rows-row .icon-button').last().click()), opens: '.dialog' },
    { name: 'forget', path: '/', step: async (page) => (await press(page, n.settings), await press(page, n.forget)), opens: '.dialog .button-danger' },
    { name: 'notices', path: '/', step: (page) => press(page, n.notices), opens: '.dialog' },
    ...administration(locale),
    ...verification(press, n.people),
    { name: 'safety', path: at('zhao'), step: (page) => page.locator('.blocked .button-primary').click(), opens: '.dialog' },
  ];
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

type Theme = 'light' | 'dark';
const folder = `${root}test/e2e/artifacts/screens`;
const sizes = { 1440: { width: 1440, height: 900 }, 390: { width: 390, height: 780 } } as const;
/** Each language meets axe in both themes and at both widths; the four other pictures differ by colours or widths that were checked. */
const checked: readonly string[] = ['zh-CN-light-1440', 'zh-CN-dark-390', 'en-dark-1440', 'en-light-390'];

/** One visit to a screen: theme and width change under it, as they do under a person. */
async function visit(page: Page, origin: string, locale: Locale, screen: Screen): Promise<readonly string[]> {
  const problems: string[] = [];
  const name = `${screen.name}-${locale}`;
  const note = (what: string): void => void problems.push(`${name} ${what}`);
  page.on('pageerror', (error) => note(error.message));
  page.on('console', (message) => (message.type() === 'error' && !message.text().includes('404') ? note(message.text()) : undefined));
  const devtools = await page.context().newCDPSession(page);
  await page.goto(origin + screen.path);
  await page.locator('h1:visible').first().waitFor({ timeout: 5_000 }).catch(() => note('has no heading'));
  await screen.step?.(page).catch((error: unknown) => note(String(error).slice(0, 300)));
  if (screen.opens !== undefined) await page.locator(screen.opens).first().waitFor({ timeout: 5_000 }).catch(() => note('did not open'));
  for (const width of [1440, 390] as const) {
    await page.setViewportSize(sizes[width]);
    await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: width === 390 });
    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      await page.emulateMedia({ colorScheme: theme });
      // Two frames: the list measures its rows in one and places them in the next.
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await page.screenshot({ path: `${folder}/${name}-${theme}-${width}.png` });
      if (width === 390 && theme === 'light') for (const small of await smallTargets(page)) note(`390 ${small}`);
      if (checked.includes(`${locale}-${theme}-${width}`)) for (const found of await violations(page)) note(`${theme} ${width} ${found}`);
    }
  }
  // 200 % zoom of 1440 px and the narrowest that must reflow (WCAG 1.4.10): nothing is cut off at the side.
  for (const size of [sizes[1440], { width: 720, height: 450 }, sizes[390], { width: 320, height: 568 }]) {
    await page.setViewportSize(size);
    for (const cut of await cutOff(page)) note(`${size.width} cuts off ${cut}`);
  }
  await page.close();
  return problems;
}

const cutOff = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('button, h1, h2, h3, p, label, input, textarea')].flatMap((element) => {
      const box = element.getBoundingClientRect();
      const hidden = box.width < 2 || element.closest('.sr-only, .skip') !== null || getComputedStyle(element.parentElement ?? element).clipPath !== 'none';
      return hidden || (box.left > -1 && box.right < innerWidth + 1) ? [] : [`${element.className} ${(element.textContent ?? '').slice(0, 20)}`];
    }),
  );

/** What a finger cannot hit: less than 44 px in height or width. Links within a sentence are as high as their line (WCAG 2.5.8). */
const smallTargets = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('button, a[href], [role=button], label:has(input)')].flatMap((element) => {
      const box = element.getBoundingClientRect();
      const hidden = box.width < 2 || getComputedStyle(element.parentElement ?? element).clipPath !== 'none' || element.closest('[inert], [aria-hidden=true], .skip, article p') !== null || !element.checkVisibility({ visibilityProperty: true });
      return hidden || (box.width >= 43.5 && box.height >= 43.5) ? [] : [`${Math.round(box.width)}×${Math.round(box.height)} ${element.className} ${(element.textContent ?? '').slice(0, 20)}`];
    }),
  );

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const found: readonly Violation[] = await page.evaluate("axe.run().then((result) => result.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))");
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes: [node] }) => `${id} ${node?.html.slice(0, 160)} ${node?.failureSummary.slice(0, 240)}`);
}

async function look(browser: Browser, origin: string, locale: Locale, part: string): Promise<readonly string[]> {
  const context = await browser.newContext({ viewport: sizes[1440], locale, reducedMotion: 'reduce' });
  context.setDefaultTimeout(10_000);
  const problems: string[] = [];
  for (const screen of screens(locale)) if (screen.name.includes(part)) problems.push(...(await visit(await context.newPage(), origin, locale, screen)));
  await context.close();
  return problems;
}

/** Resolves with the problems found; `part` of a screen's name chooses. Both languages at once, one for each core. */
export async function lookAtScreens({ origin, browser }: DemoSite, part = ''): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const problems = await Promise.all([look(browser, origin, 'zh-CN', part), look(browser, origin, 'en', part)]);
  return problems.flat();
}
