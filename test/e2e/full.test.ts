/** The server's disk fills up: people are told, nothing is lost, and what they wrote goes out by itself when there is room. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAccount, type Tab, World } from '../harness/browser.ts';
import { type Mounted, mountSmall } from '../harness/mounted.ts';

const title = 'Night shift';
const mebibyte = 1024 * 1024;
const disk: Mounted | null = mountSmall(64);
const texts = {
  en: { title: 'The server’s disk is full', lost: /Nothing is lost, and you can go on reading/, tell: /Please tell the administrator/, waits: '1 message waits on this device' },
  zh: { title: '服务器磁盘已满', lost: /数据没有丢失，仍可继续阅读/, tell: /请通知管理员/, waits: '1 条消息在此设备上等待发送' },
} as const;

describe.skipIf(disk === null)('[Z1] [E13] a full disk', () => {
  let world: World;
  let ada: Tab;
  let ben: Tab;
  let cai: Tab;
  beforeAll(async () => {
    world = await World.start(join(disk?.path ?? '', 'data'));
    ada = await world.newBrowser();
    ben = await world.newBrowser({ width: 390, height: 780 }, 'zh-CN');
    await makeAccount(ada, world.setupLink, 'ada', 'passkey');
    cai = await world.newBrowser();
    await makeAccount(cai, await ada.invite(), 'cai', 'password');
    await ada.beginConversation(title, ['Cai Testperson']);
    await ada.say('before');
    await cai.openConversation(title);
    await cai.hears('before');
  });
  afterAll(async () => {
    await world.stop();
    disk?.remove();
  });

  const notice = (tab: Tab, language: keyof typeof texts = 'en') => tab.page.getByRole('region', { name: texts[language].title });
  const ready = async (): Promise<number> => (await fetch(`${world.appliance.origin}/readyz`)).status;

  it('is told on every screen, and what is written waits there', async () => {
    await disk?.fill(2 * mebibyte);
    await Promise.all([ada, cai].map((tab) => notice(tab).waitFor()));
    expect(await ready()).toBe(503);
    await notice(ada).getByText(texts.en.lost).waitFor();
    await notice(ada).getByText(texts.en.tell).waitFor();
    expect(await notice(ada).getByText(texts.en.waits).count()).toBe(0);
    await ada.write('written while it is full');
    await notice(ada).getByText(texts.en.waits).waitFor();
    await ada.log.getByText('Sending…').waitFor();
    // Reading goes on.
    await cai.page.reload();
    await cai.hears('before');
    expect(await ada.axe(), 'full').toEqual([]);
  });

  it('is told to whoever comes back to it, with what waits', async () => {
    await notice(cai).waitFor();
    await ada.page.reload();
    await notice(ada).getByText(texts.en.waits).waitFor();
    await ada.log.getByText('written while it is full').waitFor();
    world.wire.cut();
    await ada.page.getByRole('status').getByText('Reconnecting…').waitFor();
    await notice(ada).waitFor({ state: 'detached' });
    world.wire.lead(world.appliance.port);
    await notice(ada).getByText(texts.en.waits).waitFor();
  });

  it('refuses who wants to come in with a word on what to do, in Chinese too', async () => {
    await ben.page.goto(`${world.origin}/signin`);
    await ben.field('用户名').fill('cai');
    await ben.field('密码').fill('the long password of cai');
    await ben.button('登录').click();
    await ben.page.getByRole('alert').getByText('服务器磁盘已满').waitFor();
  });

  it('is over when there is room: what waited is sent, and the notice goes', async () => {
    disk?.free();
    await Promise.all([ada, cai].map((tab) => tab.hears('written while it is full')));
    await Promise.all([ada, cai].map((tab) => notice(tab).waitFor({ state: 'detached' })));
    await ada.log.getByText('Sending…').waitFor({ state: 'detached' });
    expect(await ready()).toBe(200);
    await cai.say('there is room again');
    await ada.hears('there is room again');
    expect(await ada.texts()).toEqual(['before', 'written while it is full', 'there is room again']);
    // Browsers tell of refused calls in their console; nothing else may be there.
    expect(world.complaints().filter((line) => !line.includes('507'))).toEqual([]);
  });
});
