/** Keys that work everywhere in the main screen, and how a sheet shows them. */

export type Shortcut = 'previous' | 'next' | 'find' | 'search' | 'help';

export interface ShortcutPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly isComposing: boolean;
}

export const isMac = (userAgent: string): boolean => /Mac|iPhone|iPad/.test(userAgent);

/**
 * `writing`: the key goes into a field, where `?` is a character. `single`: whether `?` alone may open the sheet
 * (WCAG 2.1.4 asks that keys without a modifier can be turned off).
 */
export function shortcutOf(press: ShortcutPress, where: { readonly mac: boolean; readonly writing: boolean; readonly single: boolean }): Shortcut | null {
  if (press.isComposing) return null;
  const { key, altKey, ctrlKey, metaKey } = press;
  const command = where.mac ? metaKey && !ctrlKey : ctrlKey && !metaKey;
  if (altKey) {
    if (ctrlKey || metaKey) return null;
    if (key === 'ArrowUp') return 'previous';
    return key === 'ArrowDown' ? 'next' : null;
  }
  if (command) {
    if (key.toLowerCase() === 'k') return 'find';
    if (key.toLowerCase() === 'f') return 'search';
    return key === '/' ? 'help' : null;
  }
  return key === '?' && !ctrlKey && !metaKey && !where.writing && where.single ? 'help' : null;
}

export interface SheetRow {
  /** Id of the text. */
  readonly does: string;
  /** Alternatives, each a chord of key caps. */
  readonly chords: readonly (readonly string[])[];
}
export function sheetRows(mac: boolean, single: boolean): readonly SheetRow[] {
  const mod = mac ? '⌘' : 'Ctrl';
  const alt = mac ? '⌥' : 'Alt';
  return [
    { does: 'keys.previous', chords: [[alt, '↑']] },
    { does: 'keys.next', chords: [[alt, '↓']] },
    { does: 'keys.find', chords: [[mod, 'K']] },
    { does: 'keys.search', chords: [[mod, 'F']] },
    { does: 'keys.send', chords: [['Enter']] },
    { does: 'keys.line', chords: [['Shift', 'Enter']] },
    { does: 'keys.close', chords: [['Esc']] },
    { does: 'keys.help', chords: single ? [['?'], [mod, '/']] : [[mod, '/']] },
  ];
}
