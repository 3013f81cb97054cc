/** Walks every screen over the demo engine: pictures into dist/look, and axe's verdict on each. */
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
  en: { new: 'New conversation', invite: 'Create invite', make: 'Make a link', people: 'People', settings: 'Settings', members: 'Members', next: 'Continue', name: 'Your name', notices: /security notices/, handle: 'Handle', password: 'Password', kept: 'I have kept it', card: /^Password/ },
  'zh-CN': { new: '新会话', invite: '创建邀请', make: '生成链接', people: '通讯录', settings: '设置', members: '成员', next: '继续', name: '你的姓名', notices: /安全通知/, handle: '用户名', password: '密码', kept: '我已保存', card: /^密码/ },
} as const;
type Locale = keyof typeof names;

function screens(locale: Locale): readonly Screen[] {
  const n = names[locale];
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).first().click();
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
  const recovery: Step = async (page) => {
    await factor(page);
    await press(page, n.next);
    await page.getByRole('button', { name: n.kept }).waitFor();
  };
  const at = (id: string) => `/c/${id.padEnd(22, '0')}`;
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
    { name: 'list-empty', path: '/?scene=empty' },
    { name: 'product', path: at('product') },
    { name: 'unread', path: at('lin') },
    { name: 'failed', path: `${at('oncall')}?offline`, step: (page) => page.waitForTimeout(1_000) },
    { name: 'blocked', path: at('zhao') },
    { name: 'left', path: at('old') },
    { name: 'conversation-empty', path: at('empty') },
    { name: 'members', path: at('product'), step: (page) => page.locator('.head').getByRole('button', { name: n.members }).click(), opens: '.members' },
    { name: 'new', path: '/', step: (page) => press(page, n.new), opens: '.dialog' },
    { name: 'invite', path: '/', step: async (page) => (await press(page, n.invite), press(page, n.make)), opens: '.dialog' },
    { name: 'people', path: '/', step: (page) => press(page, n.people), opens: '.dialog' },
    { name: 'settings', path: '/', step: (page) => press(page, n.settings), opens: '.dialog' },
    { name: 'notices', path: '/', step: (page) => press(page, n.notices), opens: '.dialog' },
    { name: 'safety', path: at('zhao'), step: (page) => page.locator('.blocked .button-primary').click(), opens: '.dialog' },
  ];
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

async function look(browser: Browser, origin: string, locale: Locale, theme: 'light' | 'dark', width: number, part: string): Promise<readonly string[]> {
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 780 : 900 }, locale, colorScheme: theme, reducedMotion: 'reduce', hasTouch: width < 500 });
  const problems: string[] = [];
  for (const screen of screens(locale)) {
    const name = `${screen.name}-${locale}-${theme}-${width}`;
    if (!name.includes(part)) continue;
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(`${name} ${error.message}`));
    page.on('console', (message) => (message.type() === 'error' && !message.text().includes('404') ? problems.push(`${name} ${message.text()}`) : undefined));
    await page.goto(origin + screen.path);
    await page.locator('h1:visible').first().waitFor({ timeout: 5_000 }).catch(() => problems.push(`${name} has no heading`));
    await page.waitForTimeout(250);
    await screen.step?.(page).catch((error: unknown) => problems.push(`${name} ${String(error).slice(0, 300)}`));
    if (screen.opens !== undefined) await page.locator(screen.opens).waitFor({ timeout: 5_000 }).catch(() => problems.push(`${name} did not open`));
    await page.waitForTimeout(250);
    await page.screenshot({ path: `${root}dist/look/${name}.png` });
    await page.evaluate(axeSource);
    const found: readonly Violation[] = await page.evaluate("axe.run().then((result) => result.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))");
    for (const violation of found) {
      const [node] = violation.nodes;
      if (violation.impact === 'serious' || violation.impact === 'critical') problems.push(`${name} ${violation.id} ${node?.html.slice(0, 160)} ${node?.failureSummary.slice(0, 240)}`);
    }
    await page.close();
  }
  await context.close();
  return problems;
}

/** Resolves with the problems found; `part` of a picture's name chooses. */
export async function lookAtScreens({ origin, browser }: DemoSite, part = ''): Promise<readonly string[]> {
  mkdirSync(`${root}dist/look`, { recursive: true });
  const problems: string[] = [];
  for (const [locale, theme, width] of [['zh-CN', 'light', 1440], ['en', 'dark', 1440], ['en', 'light', 390], ['zh-CN', 'dark', 390]] as const) {
    problems.push(...(await look(browser, origin, locale, theme, width, part)));
  }
  return problems;
}
