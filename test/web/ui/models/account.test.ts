import { describe, expect, it } from 'vitest';
import {
  tidyName, askedGroups, codeGroups, deviceLabel, forgetGrant, grantOf, groupMatches, handleError, inviteLabel, keptCodes, nameError, passwordError, recoverySheet, sentences, stepAfter,
  strength, suggestHandle, tabGrant, type TabStorage,
} from '../../../../web/ui/models/account.ts';
import { bannerAfterMs, bannerOf } from '../../../../web/ui/models/connection.ts';
import { composerKey, lineCount, sendable } from '../../../../web/ui/models/composer.ts';
import { createPreferences, detectLocale, recoveryDue } from '../../../../web/ui/models/preferences.ts';

describe('links', () => {
  it('reads the token of each path and of no other', () => {
    expect(grantOf('/setup', '#token=abc')).toEqual({ kind: 'setup', token: 'abc' });
    expect(grantOf('/join', '#token=abc')).toEqual({ kind: 'invite', token: 'abc' });
    expect(grantOf('/signin', '#token=abc')).toBeNull();
    expect(grantOf('/join', '')).toBeNull();
    expect(grantOf('/join', '#token=')).toBeNull();
  });
});

/** Of one tab; a new map is a new tab. */
function tab(): TabStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return { kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) };
}

describe('the link of a tab', () => {
  it('outlives a reload of its own page, and no other', () => {
    const storage = tab();
    expect(tabGrant(storage, '/join', '')).toBeNull();
    expect(tabGrant(storage, '/join', '#token=a%2Bb')).toEqual({ kind: 'invite', token: 'a+b' });
    expect(tabGrant(storage, '/join', '')).toEqual({ kind: 'invite', token: 'a+b' });
    expect(tabGrant(storage, '/setup', '')).toBeNull();
    expect(tabGrant(tab(), '/join', '')).toBeNull();
  });
  it('gives way to the next link and is gone once it was used', () => {
    const storage = tab();
    tabGrant(storage, '/join', '#token=first');
    expect(tabGrant(storage, '/join', '#token=second')).toEqual({ kind: 'invite', token: 'second' });
    expect(tabGrant(storage, '/join', '')).toEqual({ kind: 'invite', token: 'second' });
    forgetGrant(storage);
    expect(tabGrant(storage, '/join', '')).toBeNull();
    expect(storage.kept.size).toBe(0);
  });
});

describe('steps', () => {
  it('lead back to where something can be done', () => {
    expect(stepAfter('handle.taken')).toBe('who');
    expect(stepAfter('password.weak')).toBe('factor');
    expect(stepAfter('ceremony.expired')).toBe('factor');
    expect(stepAfter('network.unreachable')).toBeNull();
  });
  it('keep what was typed as long as the codes are those that were shown', () => {
    const pick = (): number => 0;
    const first = keptCodes(null, { code: 'AAAA-BBBB-CCCC', spare: null }, pick);
    expect(first).toMatchObject({ asked: [0, 1], typed: ['', ''], confirmed: false });
    const done = { ...first, typed: ['AAAA', 'BBBB'], confirmed: true } as const;
    expect(keptCodes(done, { code: 'AAAA-BBBB-CCCC', spare: null }, pick)).toEqual(done);
    // A spare that nobody has seen must be shown first.
    expect(keptCodes(done, { code: 'AAAA-BBBB-CCCC', spare: 'DDDD' }, pick)).toMatchObject({ typed: ['AAAA', 'BBBB'], confirmed: false });
    expect(keptCodes(done, { code: 'EEEE-FFFF', spare: null }, pick)).toMatchObject({ typed: ['', ''], confirmed: false });
  });
  it('put sentences together as each language does', () => {
    expect(sentences('en', 'One.', 'Two.')).toBe('One. Two.');
    expect(sentences('zh-CN', '一。', '二。')).toBe('一。二。');
    expect(sentences('en', 'One.', null)).toBe('One.');
  });
});

describe('fields', () => {
  it('suggests a handle that the server takes, or none', () => {
    expect(suggestHandle('  Zoë Müller-Łuk ')).toBe('zoe.muller.uk');
    expect(suggestHandle('林晓')).toBe('');
    expect(suggestHandle('x'.repeat(31) + ' yyy')).toBe('x'.repeat(31));
    for (const name of ['Zoë', "O'Neil, Pat", 'A. B.']) expect(handleError(suggestHandle(name))).toBeNull();
  });
  it('refuses what the server would refuse', () => {
    expect(handleError('')).toBe('field.handle_empty');
    expect(handleError('-a')).toBe('field.handle_form');
    expect(handleError('A')).toBe('field.handle_form');
    expect(handleError('a'.repeat(33))).toBe('field.handle_form');
    expect(nameError('  ')).toBe('field.name_empty');
    expect(nameError('n'.repeat(65))).toBe('field.name_long');
  });
  it('counts a password as people do and judges its length alone', () => {
    expect(passwordError('密'.repeat(15), 15)).toBeNull();
    expect(passwordError('😀'.repeat(14), 15)).toBe('field.password_short');
    expect(passwordError('a'.repeat(257), 15)).toBe('field.password_long');
    expect([14, 15, 19, 20, 27, 28].map((length) => strength('a'.repeat(length), 15))).toEqual(['short', 'enough', 'enough', 'good', 'good', 'excellent']);
  });
});

describe('the note on an invite', () => {
  it('is tidied as the server wants it, and none is none', () => {
    expect(inviteLabel('  Cai   (night) ')).toBe('Cai (night)');
    expect(inviteLabel('  ')).toBeUndefined();
    expect(inviteLabel(`${'x'.repeat(63)} yy`)).toBe('x'.repeat(63));
  });
});

describe('the recovery code', () => {
  const code = 'K7MQ-X2RD-94TC-HWNB';
  it('asks for two different groups whatever the dice say', () => {
    for (let first = 0; first < 4; first += 1) {
      for (let second = 0; second < 3; second += 1) {
        const dice = [first, second];
        const asked = askedGroups(code, () => dice.shift() ?? 0);
        expect(asked[0]).toBeLessThan(asked[1]);
        expect(asked[1]).toBeLessThan(4);
      }
    }
  });
  it('compares a group without regard to case and spaces', () => {
    expect(groupMatches(code, 1, ' x2 rd')).toBe(true);
    expect(groupMatches(code, 1, 'K7MQ')).toBe(false);
    expect(groupMatches(code, 9, '')).toBe(false);
  });
  it('puts both codes on the sheet', () => {
    const texts = { title: 'T', account: 'A', code: 'C', spare: 'S', keep: 'K' };
    expect(recoverySheet({ code, spare: 'AAAA-BBBB' }, texts)).toContain('AAAA BBBB');
    expect(recoverySheet({ code, spare: null }, texts)).toBe('T\n\nA\n\nC\nK7MQ X2RD 94TC HWNB\n\nK\n');
    expect(codeGroups('ABCDEFGHIJ')).toEqual(['ABCD', 'EFGH', 'IJ']);
  });
});

describe('the composer', () => {
  const press = (extra: Partial<Parameters<typeof composerKey>[0]> = {}) =>
    composerKey({ key: 'Enter', shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, keyCode: 13, ...extra });
  it('sends on Enter and Ctrl+Enter, breaks on Shift+Enter', () => {
    expect(press()).toBe('send');
    expect(press({ ctrlKey: true })).toBe('send');
    expect(press({ shiftKey: true })).toBe('none');
  });
  it('leaves Enter to an input method', () => {
    expect(press({ isComposing: true })).toBe('none');
    expect(press({ keyCode: 229 })).toBe('none');
  });
  it('grows to nine lines and sends no blank', () => {
    expect(lineCount('a\nb')).toBe(2);
    expect(lineCount('\n'.repeat(40))).toBe(9);
    expect(sendable(' \n ')).toBe(false);
  });
});

describe('the banner', () => {
  it('waits 800 ms and counts the queue', () => {
    const offline = { state: 'offline', since: 0, queued: 2 } as const;
    expect(bannerOf(offline, bannerAfterMs - 1)).toEqual({ kind: 'none' });
    expect(bannerOf(offline, bannerAfterMs)).toEqual({ kind: 'offline', queued: 2 });
    expect(bannerOf({ state: 'connecting' }, bannerAfterMs)).toEqual({ kind: 'connecting' });
    expect(bannerOf({ state: 'online' }, 10_000)).toEqual({ kind: 'none' });
    expect(bannerOf({ state: 'full', queued: 1 }, 10_000)).toEqual({ kind: 'none' });
  });
});

describe('preferences', () => {
  it('takes the first language that we speak', () => {
    expect(detectLocale(['fr', 'zh-Hant-TW', 'en'])).toBe('zh-CN');
    expect(detectLocale(['en-GB', 'zh'])).toBe('en');
    expect(detectLocale(['fr'])).toBe('en');
  });
  it('keeps choices and ignores what does not belong there', () => {
    const kept = new Map([['lanying.locale', 'xx'], ['lanying.theme', 'dark']]);
    const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
    const store = createPreferences(storage, ['zh']);
    expect(store.getState()).toMatchObject({ locale: 'zh-CN', theme: 'dark', recoveryKeptAt: 0 });
    store.setState({ locale: 'en', recoveryKeptAt: 1_000 });
    expect(createPreferences(storage, ['zh']).getState()).toMatchObject({ locale: 'en', theme: 'dark', recoveryKeptAt: 1_000 });
    store.setState({ recoveryKeptAt: Number.POSITIVE_INFINITY });
    expect(createPreferences(storage, ['zh']).getState().recoveryKeptAt).toBe(Number.POSITIVE_INFINITY);
  });
  it('ask about the recovery code a month after it was confirmed, and not once it was answered', () => {
    const day = 86_400_000;
    const now = 1_000 * day;
    expect([0, now - 30 * day, now - 29 * day, now, Number.POSITIVE_INFINITY].map((at) => recoveryDue(at, now))).toEqual([true, true, false, false, false]);
  });
});

describe('device labels', () => {
  it('names browser and system', () => {
    expect(deviceLabel('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36')).toBe('Chromium, Linux');
    expect(deviceLabel('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1')).toBe('Safari, iOS');
    expect(deviceLabel('')).toBe('Browser, Unknown');
  });
});

describe('names', () => {
  it('[N1] lose what came along with pasted text, and one of nothing else is empty', () => {
    expect(tidyName(' \u200bLin\u00ad  Wei\u2060 ')).toBe('Lin Wei');
    expect(tidyName('\u200b \u3164')).toBe('');
    expect(nameError('\u200b')).toBe('field.name_empty');
    expect(tidyName('می\u200cخواهم')).toBe('می\u200cخواهم');
  });
});
