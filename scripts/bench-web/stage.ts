/** What the client's rows work on: a real server, an author in this process, and a reader in a real Chromium with a profile on disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import type { ConversationId } from '#protocol/ids.ts';
import { Appliance, setupToken } from '../../test/harness/appliance.ts';
import { makeAccount, Tab } from '../../test/harness/browser.ts';
import { Author, type BenchEngine, sentences } from '../../test/harness/long-history.ts';

const args = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--enable-precise-memory-info', '--js-flags=--expose-gc',
];
const password = 'the long password of ada';
export const longTitle = 'Long history';
export const shortTitle = 'Short talk';

export class Stage {
  #context: BrowserContext | null = null;

  private constructor(
    readonly appliance: Appliance,
    readonly author: Author,
    readonly folder: string,
    readonly long: ConversationId,
    readonly short: ConversationId,
    readonly count: number,
  ) {}

  /** Ada writes, ben reads in the browser; `count` messages lie in the long conversation, none of them in the browser yet. */
  static async build(count: number): Promise<Stage> {
    const appliance = await Appliance.start();
    const folder = await mkdtemp(join(tmpdir(), 'lanying-bench-profile-'));
    const author = new Author(appliance.origin, join(folder, 'author'));
    const ada = await author.open();
    await ada.prepareAccount({ grant: { kind: 'setup', token: setupToken }, handle: 'ada', displayName: 'Ada Author', factor: { kind: 'password', password }, deviceLabel: 'bench' });
    await ada.finishAccount();
    await ada.synced();
    const { link } = await ada.createInvite('member');
    const first = new Stage(appliance, author, folder, '' as ConversationId, '' as ConversationId, count);
    const tab = await first.tab();
    await makeAccount(tab, link, 'ben', 'password');
    await ada.refreshPeople();
    const ben = ada.snapshot().people.find(({ handle }) => handle === 'ben');
    if (ben === undefined) throw new Error('ben is not there');
    const long = await ada.createConversation({ title: longTitle, members: [ben.userId] });
    const short = await ada.createConversation({ title: shortTitle, members: [ben.userId] });
    await tab.row(longTitle).waitFor();
    await tab.row(shortTitle).waitFor();
    await first.closeBrowser();
    await author.write(short, sentences(300));
    return new Stage(appliance, author, folder, long, short, count);
  }

  get origin(): string {
    return this.appliance.origin;
  }

  async ada(): Promise<BenchEngine> {
    return this.author.open();
  }

  /** A tab of ben's browser, which starts if need be. */
  async tab(): Promise<Tab> {
    this.#context ??= await chromium.launchPersistentContext(join(this.folder, 'profile'), {
      executablePath: '/usr/bin/chromium', args, locale: 'en-US', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce',
    });
    return Tab.open(this.#context);
  }

  get context(): BrowserContext {
    if (this.#context === null) throw new Error('the browser is closed');
    return this.#context;
  }

  async closeBrowser(): Promise<void> {
    await this.#context?.close();
    this.#context = null;
  }

  async end(): Promise<void> {
    await this.closeBrowser();
    await this.author.close();
    await this.appliance.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
