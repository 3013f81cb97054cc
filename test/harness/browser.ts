/** People at real browsers: a context each, a virtual authenticator, and everything their consoles complained about. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, type CDPSession, chromium, type Locator, type Page } from 'playwright-core';
import * as v from 'valibot';
import { Appliance, setupToken } from './appliance.ts';
import { Wire } from './wire.ts';

const args = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A lost connection is reported by the browser itself; nobody's code can keep that out of the console. */
const lostConnection = /net::ERR_(?:CONNECTION|EMPTY_RESPONSE|SOCKET|INTERNET_DISCONNECTED)|WebSocket connection to/;

const Violations = v.array(v.object({ id: v.string(), impact: v.string(), html: v.string(), why: v.string() }));

export const passwordOf = (handle: string): string => `the long password of ${handle}`;

/** One tab of one browser. */
export class Tab {
  /** Errors and violations of the security policy that its console showed. */
  readonly complaints: string[] = [];
  /** Id of the authenticator that was plugged in last; empty without one. */
  authenticator = '';

  private constructor(
    readonly page: Page,
    readonly cdp: CDPSession,
  ) {
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !lostConnection.test(message.text())) this.complaints.push(`${page.url()}: ${message.text()} ${message.location().url}`);
    });
  }

  static async open(context: BrowserContext): Promise<Tab> {
    const page = await context.newPage();
    return new Tab(page, await context.newCDPSession(page));
  }

  /** Plugs in an authenticator that verifies its user and knows PRF; returns its id. */
  async plugAuthenticator(): Promise<string> {
    await this.cdp.send('WebAuthn.enable');
    const { authenticatorId } = await this.cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf: true, automaticPresenceSimulation: true },
    });
    this.authenticator = authenticatorId;
    return authenticatorId;
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }
  field(name: string | RegExp): Locator {
    return this.page.getByRole('textbox', { name, exact: true });
  }
  get list(): Locator {
    return this.page.getByRole('list', { name: 'Conversations' });
  }
  get log(): Locator {
    return this.page.getByRole('log', { name: 'Messages' });
  }
  row(title: string): Locator {
    return this.list.getByRole('link').filter({ hasText: title });
  }
  message(text: string): Locator {
    return this.log.getByText(text, { exact: true });
  }

  async openConversation(title: string): Promise<void> {
    await this.row(title).click();
    await this.page.getByRole('heading', { name: title, level: 1 }).waitFor();
  }

  async write(text: string): Promise<void> {
    await this.field('Message').fill(text);
    await this.button('Send').click();
  }

  /** Writes and waits until the server has it. */
  async say(text: string): Promise<void> {
    await this.write(text);
    await this.log.getByRole('article').filter({ hasText: text }).getByText(/ · Sent$/).waitFor();
  }

  async hears(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  /** Texts of the timeline that is on the screen, top to bottom. */
  async texts(): Promise<readonly string[]> {
    return this.log.locator('.own-bubble, .other-text').allTextContents();
  }

  async invite(): Promise<string> {
    await this.button('Create invite').click();
    await this.button('Make a link').click();
    const link = await this.field('Invitation link').inputValue();
    await this.field('Invitation link').press('Escape');
    await this.page.getByRole('dialog').waitFor({ state: 'detached' });
    return link;
  }

  async beginConversation(title: string, people: readonly string[]): Promise<void> {
    await this.button('New conversation').click();
    for (const name of people) await this.page.getByRole('checkbox', { name }).check();
    await this.field('Conversation title').fill(title);
    await this.page.getByRole('dialog').getByRole('button', { name: 'Start conversation' }).click();
    await this.page.getByRole('heading', { name: title, level: 1 }).waitFor();
  }

  async openMembers(): Promise<Locator> {
    await this.button('Members').click();
    const panel = this.page.getByRole('complementary', { name: 'Members' });
    await panel.waitFor();
    return panel;
  }

  /** Serious and critical violations that axe sees; through the debugger, because the page's policy allows no foreign script. */
  async axe(): Promise<readonly string[]> {
    await this.cdp.send('Runtime.evaluate', { expression: axeSource });
    const expression = `axe.run().then((result) => result.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, impact, nodes }) => nodes.map(({ html, failureSummary }) => ({ id, impact, html: html.slice(0, 200), why: failureSummary ?? '' }))))`;
    const { result, exceptionDetails } = await this.cdp.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return v.parse(Violations, result.value).map(({ id, impact, html, why }) => `${impact} ${id}: ${html}\n${why}`);
  }
}

export interface Account {
  readonly handle: string;
  readonly name: string;
  readonly recoveryCode: string;
}

const capitalised = (handle: string): string => handle.charAt(0).toUpperCase() + handle.slice(1);

/** Walks through set-up or sign-up from a link to the conversation list. */
export async function makeAccount(tab: Tab, link: string, handle: string, factor: 'passkey' | 'password'): Promise<Account> {
  const { page } = tab;
  const name = `${capitalised(handle)} Testperson`;
  if (factor === 'passkey') await tab.plugAuthenticator();
  await page.goto(link);
  await tab.field('Your name').fill(name);
  await tab.field('Handle').fill(handle);
  await tab.button('Continue').click();
  await page.getByText('Continue').waitFor();
  await page.getByRole('heading', { level: 2 }).first().waitFor();
  await tab.button('Continue').click();
  if (factor === 'password') {
    await page.getByRole('radio', { name: /^Password/ }).check();
    await tab.field('Password').fill(passwordOf(handle));
    await tab.button('Continue').click();
  } else await page.locator('button[type=submit]').click();
  const recoveryCode = await keepCode(tab, 'Create account');
  await tab.list.waitFor({ state: 'attached' });
  return { handle, name, recoveryCode };
}

/** Reads the recovery code that is on the screen, and confirms that it is kept by the button `last`. */
export async function keepCode(tab: Tab, last: string): Promise<string> {
  const { page } = tab;
  const groups = page.getByRole('figure', { name: 'Recovery code' }).getByRole('listitem');
  await groups.first().waitFor();
  const code = await groups.allTextContents();
  await tab.button('I have kept it').click();
  const fields = page.getByRole('textbox', { name: /^Group \d+$/ });
  await fields.first().waitFor();
  for (const field of await fields.all()) {
    const label = await page.locator(`label[for="${await field.getAttribute('id')}"]`).textContent();
    const number = Number(/\d+/.exec(label ?? '')?.[0]);
    await field.fill(code[number - 1] ?? '');
  }
  await tab.button(last).click();
  return code.join('-');
}

export async function signInByPassword(tab: Tab, origin: string, handle: string): Promise<void> {
  await tab.page.goto(`${origin}/signin`);
  await tab.field('Handle').fill(handle);
  await tab.field('Password').fill(passwordOf(handle));
  await tab.button('Sign in').click();
}

export async function unlock(tab: Tab, recoveryCode: string): Promise<void> {
  await tab.field('Recovery code').fill(recoveryCode);
  await tab.button('Unlock').click();
  await tab.list.waitFor({ state: 'attached' });
}

/** Appliance, recorder and browser of one test file. */
export class World {
  readonly #tabs: Tab[] = [];

  private constructor(
    readonly appliance: Appliance,
    readonly wire: Wire,
    readonly browser: Browser,
  ) {}

  /** `folder`: the data folder, else one of its own. */
  static async start(folder?: string): Promise<World> {
    const wire = await Wire.open();
    const [appliance, browser] = await Promise.all([Appliance.start(wire.port, folder), chromium.launch({ executablePath: '/usr/bin/chromium', args })]);
    wire.lead(appliance.port);
    return new World(appliance, wire, browser);
  }

  get origin(): string {
    return this.appliance.origin;
  }
  get setupLink(): string {
    return `${this.origin}/setup#token=${setupToken}`;
  }

  /** A browser of somebody's own, with one tab: tall, because the timeline renders only what is in view. */
  async newBrowser(viewport = { width: 1280, height: 1600 }, locale = 'en-US'): Promise<Tab> {
    return this.newTab(await this.browser.newContext({ locale, viewport, reducedMotion: 'reduce' }));
  }
  async newTab(context: BrowserContext): Promise<Tab> {
    const tab = await Tab.open(context);
    this.#tabs.push(tab);
    return tab;
  }

  /** Owner by passkey, `ben` by passkey, `cai` by password, and one titled conversation of the three, open on the owner's screen. */
  async trio(title: string): Promise<{ readonly tabs: readonly [Tab, Tab, Tab]; readonly accounts: readonly [Account, Account, Account] }> {
    const [ada, ben, cai] = [await this.newBrowser(), await this.newBrowser(), await this.newBrowser()];
    const owner = await makeAccount(ada, this.setupLink, 'ada', 'passkey');
    const second = await makeAccount(ben, await ada.invite(), 'ben', 'passkey');
    const third = await makeAccount(cai, await ada.invite(), 'cai', 'password');
    await ada.beginConversation(title, [second.name, third.name]);
    return { tabs: [ada, ben, cai], accounts: [owner, second, third] };
  }

  complaints(): readonly string[] {
    return this.#tabs.flatMap((tab) => tab.complaints);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.wire.close();
    await this.appliance.stop();
  }
}
