/** The composer: what a key means, how long a text may be, when to say that one is typing. */

export interface KeyPress {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  /** An input method is choosing characters: Enter belongs to it. */
  readonly isComposing: boolean;
  /** 229 while an input method handles the key (Safari ends composing before the key arrives). */
  readonly keyCode: number;
}

export function composerKey(press: KeyPress): 'send' | 'none' {
  if (press.key !== 'Enter' || press.isComposing || press.keyCode === 229) return 'none';
  return press.shiftKey || press.altKey ? 'none' : 'send';
}

export const linesMax = 9;
export const lineCount = (text: string): number => Math.min(linesMax, text.split('\n').length);

/** A typing signal at most this often. */
export const typingEveryMs = 3_000;
/** A draft is handed to the engine this long after the last key. */
export const draftAfterMs = 300;

export const sendable = (text: string): boolean => text.trim() !== '';
