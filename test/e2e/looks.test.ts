/** Screens as people with other needs meet them: by a screen reader's rules, in Chinese, on a phone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, passwordOf, signInByPassword, type Tab, unlock, World } from '../harness/browser.ts';

const title = 'Front desk';
let world: World;
let ada: Tab;
let ben: Tab;
let benCode = '';

beforeAll(async () => {
  world = await World.start();
  [ada, ben] = [await world.newBrowser(), await world.newBrowser()];
});
afterAll(() => world.stop());

describe('the screens', () => {
  it('have no serious violation of accessibility rules', async () => {
    await ada.page.goto(world.setupLink);
    await ada.field('Your name').waitFor();
    expect(await ada.axe(), 'set-up').toEqual([]);
    // The link was used up by nobody yet: a fresh page starts over.
    await makeAccount(ada, world.setupLink, 'ada', 'passkey');
    expect(await ada.axe(), 'empty list').toEqual([]);
    await ben.page.goto(`${world.origin}/signin`);
    await ben.button('Sign in with a passkey').waitFor();
    expect(await ben.axe(), 'sign-in').toEqual([]);
    ({ recoveryCode: benCode } = await makeAccount(ben, await ada.invite(), 'ben', 'password'));
    await ada.beginConversation(title, ['Ben Testperson']);
    await ada.say('who has the key to the cellar?');
    await ben.openConversation(title);
    await ben.say('it hangs behind the door');
    await ada.hears('it hangs behind the door');
    expect(await ada.axe(), 'main').toEqual([]);
    await ada.openMembers();
    expect(await ada.axe(), 'members').toEqual([]);
    await ada.button('Close').click();
    for (const name of ['New conversation', 'Create invite', 'People', 'Settings']) {
      await ada.button(name).click();
      await ada.page.getByRole('dialog').waitFor();
      expect(await ada.axe(), name).toEqual([]);
      await ada.page.keyboard.press('Escape');
      await ada.page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  });

  it('say once that the browser does not promise to keep what is stored', async () => {
    // Chromium grants it to sites that somebody uses much or has bookmarked; a fresh profile is neither.
    expect(await ada.page.evaluate('navigator.storage.persisted()')).toBe(false);
    const notice = ada.page.getByRole('status', { name: 'This browser may clear your messages' });
    await notice.getByRole('button', { name: 'Understood' }).click();
    await notice.waitFor({ state: 'detached' });
    await ada.page.reload();
    await ada.openConversation(title);
    expect(await notice.count()).toBe(0);
  });

  it('can be worked by keyboard alone', async () => {
    await ada.field('Message').focus();
    await ada.page.keyboard.type('first line');
    await ada.page.keyboard.press('Shift+Enter');
    await ada.page.keyboard.type('second line');
    await ada.page.keyboard.press('Enter');
    await ben.log.getByText('first line\nsecond line').waitFor();
    expect((await ben.texts()).at(-1)).toBe('first line\nsecond line');
    await ada.page.keyboard.press('Control+K');
    await ada.page.keyboard.type('front');
    await ada.row(title).waitFor();
    await ada.page.keyboard.press('Tab');
    await ada.page.keyboard.press('Enter');
    await ada.page.getByRole('heading', { name: title, level: 1 }).waitFor();
  });

  it('speak Chinese when asked, and keep to it', async () => {
    await ben.button('Settings').click();
    await ben.page.getByRole('radio', { name: '简体中文' }).check();
    await ben.page.keyboard.press('Escape');
    await ben.page.getByRole('list', { name: '会话', exact: true }).waitFor();
    await ben.page.getByRole('textbox', { name: '消息', exact: true }).fill('钥匙已经放回去了');
    await ben.page.getByRole('button', { name: '发送', exact: true }).click();
    await ada.hears('钥匙已经放回去了');
    expect(await ben.page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await ben.page.reload();
    await ben.page.getByRole('list', { name: '会话', exact: true }).waitFor();
    const stranger = await world.newBrowser(undefined, 'zh-CN');
    await stranger.page.goto(world.origin);
    await stranger.page.getByRole('button', { name: '使用通行密钥登录' }).waitFor();
  });

  it('fit a phone: list, conversation and back', async () => {
    const phone = await world.newBrowser({ width: 390, height: 780 });
    await signInByPassword(phone, world.origin, 'ben');
    await unlock(phone, benCode);
    const wide = (): Promise<unknown> => phone.page.evaluate('document.documentElement.scrollWidth');
    await phone.row(title).waitFor();
    expect(await phone.log.count()).toBe(0);
    expect(await wide()).toBeLessThanOrEqual(390);
    await phone.openConversation(title);
    await phone.hears('钥匙已经放回去了');
    expect(await phone.list.isVisible()).toBe(false);
    expect(await wide()).toBeLessThanOrEqual(390);
    await phone.say('sent from the stairs');
    await ada.hears('sent from the stairs');
    expect(await phone.axe(), 'phone').toEqual([]);
    await phone.button('Back').click();
    await phone.row(title).waitFor();
    expect(await phone.log.isVisible()).toBe(false);
  });

  it('tell what is wrong with a used invitation and a wrong password', async () => {
    const guest = await world.newBrowser();
    const link = await ada.invite();
    await makeAccount(guest, link, 'dan', 'password');
    const late = await world.newBrowser();
    await late.page.goto(link);
    await late.page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Opening' }).waitFor();
    await late.button('Sign in').waitFor();
    expect(await late.field('Your name').count()).toBe(0);
    await late.page.goto(`${world.origin}/signin`);
    await late.field('Handle').fill('dan');
    await late.field('Password').fill(`${passwordOf('dan')}!`);
    await late.button('Sign in').click();
    await late.page.getByText('Handle and password, or the passkey, do not fit.', { exact: false }).waitFor();
  });

  it('made no console complain', () => {
    expect(world.complaints()).toEqual([]);
  });
});
