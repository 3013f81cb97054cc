import { describe, expect, it } from 'vitest';
import { isMac, sheetRows, type ShortcutPress, shortcutOf } from '../../../../web/ui/models/keyboard.ts';

const press = (key: string, extra: Partial<ShortcutPress> = {}): ShortcutPress => ({ key, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, ...extra });
const here = { mac: false, writing: false, single: true };

describe('keys of the main screen', () => {
  it('go to the neighbours with Alt and an arrow, also while one writes', () => {
    expect(shortcutOf(press('ArrowUp', { altKey: true }), { ...here, writing: true })).toBe('previous');
    expect(shortcutOf(press('ArrowDown', { altKey: true }), here)).toBe('next');
    expect(shortcutOf(press('ArrowDown'), here)).toBeNull();
    expect(shortcutOf(press('ArrowDown', { altKey: true, ctrlKey: true }), here)).toBeNull();
  });
  it('take the command key of the system', () => {
    expect(shortcutOf(press('k', { ctrlKey: true }), here)).toBe('find');
    expect(shortcutOf(press('k', { metaKey: true }), here)).toBeNull();
    expect(shortcutOf(press('k', { metaKey: true }), { ...here, mac: true })).toBe('find');
    expect(shortcutOf(press('/', { ctrlKey: true }), { ...here, writing: true })).toBe('help');
  });
  it('leave ? to a field, and to whoever turned it off', () => {
    expect(shortcutOf(press('?'), here)).toBe('help');
    expect(shortcutOf(press('?'), { ...here, writing: true })).toBeNull();
    expect(shortcutOf(press('?'), { ...here, single: false })).toBeNull();
  });
  it('belong to an input method while it composes', () => {
    expect(shortcutOf(press('ArrowDown', { altKey: true, isComposing: true }), here)).toBeNull();
  });
  it('are shown as they are worked', () => {
    const help = (mac: boolean, single: boolean) => sheetRows(mac, single).find((row) => row.does === 'keys.help')?.chords;
    expect(help(false, true)).toEqual([['?'], ['Ctrl', '/']]);
    expect(help(true, false)).toEqual([['⌘', '/']]);
    expect(isMac('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)')).toBe(true);
    expect(isMac('Mozilla/5.0 (X11; Linux x86_64)')).toBe(false);
  });
});
