/** What a command of `lanying` is; each has a file of its own beside this one and a line in commands.ts. */
import type { Environment } from '../../server/config/env.ts';

/** One text in the two languages of the product. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}
export type Language = keyof Text;

/** How a command ends (sysexits.h where it has a number); scripts hang on these. */
export const exits = {
  ok: 0,
  /** It ran, and what it looked at is not well: the lines above say what. */
  found: 1,
  /** EX_USAGE: unknown command or option. */
  usage: 64,
  /** EX_UNAVAILABLE: what it should look at cannot be opened. */
  unavailable: 69,
  /** EX_SOFTWARE: a fault of lanying itself. */
  internal: 70,
  /** EX_TEMPFAIL: a running server has the data folder. */
  inUse: 75,
  /** EX_CONFIG: a variable is invalid. */
  config: 78,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** What a command may touch of its surroundings. */
export interface Shell {
  /** One line to standard output. */
  out(line: string): void;
  /** One line to standard error. */
  err(line: string): void;
  /** Bytes to standard output; resolves when more may come. */
  write(bytes: Uint8Array): Promise<void>;
  /** Standard input, whole. */
  read(): AsyncIterable<Uint8Array>;
  /** One line on a terminal that replaces the one before; null takes it away. */
  progress(line: string | null): void;
  readonly language: Language;
  /** Reads LANYING_… when it is called. Throws ConfigError. */
  environment(): Environment;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  /** What stands behind `--name` in the help, for a string. */
  readonly value?: string;
  readonly meaning: Text;
}

export interface Call {
  /** Options that were given. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly shell: Shell;
}

export interface Command {
  /** One word, or two: `verify audit` is found before `verify`. */
  readonly name: string;
  readonly summary: Text;
  readonly options: Readonly<Record<string, Option>>;
  run(call: Call): Promise<Exit>;
}

/** The option's text, or null when it was not given. */
export function flagText(flags: Call['flags'], name: string): string | null {
  const flag = flags[name];
  return typeof flag === 'string' ? flag : null;
}

export const say = (shell: Pick<Shell, 'language'>, text: Text): string => text[shell.language];
