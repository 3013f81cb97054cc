/** How soon a password is guessed by whoever guesses in Chinese. */
import { describe, expect, it } from 'vitest';
import { strengthOf } from '../../../server/domain/sign-in/strength.ts';
import { chineseNames, chineseWords } from '../../../server/domain/sign-in/chinese-passwords.ts';
import { codeOf, okay, reasonOf, World } from '../commands/world.ts';

/** At most a million guesses: refused by the blocklist. */
const blocklisted = 1;

describe('[A16] what people who write Chinese take first', () => {
  it.each([
    '5201314',
    'woaini1314',
    'woaini1314520',
    'woaini5201314',
    'qwe123',
    'qwe123456',
    'woaini1314woaini1314',
    'wangxiaoming',
    'zhangwei1990',
    'zhangxiaoming1990',
    'wodemima',
    'mimashimima',
    'bugaosuni',
    'woshishui',
    'beijing2024',
    'jiayou2024',
    'gongsi123',
    'baobei520',
    'woaizhongguo',
    'Woaini1314520',
    'W0aini1314',
  ])('%s is on the blocklist', async (password) => {
    expect(await strengthOf(password, [])).toBeLessThanOrEqual(blocklisted);
  });

  it.each([
    'shuiguolaohujixiedeng',
    'mimasuanshenme-88wo',
    '天气预报说明天下雨要带伞出门',
    'correct horse battery staple',
  ])('%s is not', async (password) => {
    expect(await strengthOf(password, ['王小明', 'lanying'])).toBeGreaterThan(2);
  });

  it('every part of the names that it is for is a guess', async () => {
    for (const name of ['wuxing.techgroup', 'techgroup wuxing', 'wuxing_techgroup-sales', '五行·techgroup'])
      expect(await strengthOf('techgroup2024', [name]), name).toBeLessThanOrEqual(blocklisted);
    expect(await strengthOf('xqvbtgroup2024', [])).toBeGreaterThan(await strengthOf('xqvbtgroup2024', ['xqvbtgroup']));
  });

  it('has each word once', () => {
    for (const words of [chineseWords, chineseNames]) {
      expect(words.filter((word) => !/^[a-z0-9]{2,}$/.test(word))).toEqual([]);
      expect(new Set(words).size).toBe(words.length);
      expect(words.length).toBeGreaterThan(500);
    }
  });

  it('is refused at the door', async () => {
    const world = new World();
    const owner = await world.owner();
    for (const password of ['woaini1314woaini1314', 'zhangxiaoming1990', 'lanying520131400'])
      expect(reasonOf(await owner.call('password.change', { password })), password).toBe('blocklisted');
    expect(codeOf(await owner.call('password.change', { password: 'shuiguolaohujixiedeng' }))).toBe('ok');
    expect(okay(await owner.call('factor.list', {})).password).not.toBeNull();
  });
});
