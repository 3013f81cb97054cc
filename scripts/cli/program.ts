/** Finds the command that the words name, reads its options, and turns whatever happens into an exit code. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../../server/config/config.ts';
import { type Command, type Exit, exits, say, type Shell } from './command.ts';

const texts = {
  usage: { en: 'usage: lanying <command> [options]', zh: '用法：lanying <命令> [选项]' },
  commands: { en: 'commands:', zh: '命令：' },
  options: { en: 'options:', zh: '选项：' },
  help: { en: 'Print this help', zh: '显示帮助' },
  more: { en: '`lanying <command> --help` tells more.', zh: '`lanying <命令> --help` 显示详情。' },
  unknown: { en: 'unknown command', zh: '未知命令' },
  fault: { en: 'lanying failed; please report this:', zh: 'lanying 出错，请报告：' },
} as const;

/** `words`: what stood behind `lanying`. Never rejects. */
export async function runProgram(commands: readonly Command[], words: readonly string[], shell: Shell): Promise<Exit> {
  const [first] = words;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    for (const line of overview(commands, shell)) (first === undefined ? shell.err : shell.out)(line);
    return first === undefined ? exits.usage : exits.ok;
  }
  const found = find(commands, words);
  if (found === null) {
    shell.err(`${say(shell, texts.unknown)}: ${first}`);
    for (const line of overview(commands, shell)) shell.err(line);
    return exits.usage;
  }
  const flags = readFlags(found.command, found.rest, shell);
  if (flags === null) return exits.usage;
  if (flags['help'] === true) {
    for (const line of details(found.command, shell)) shell.out(line);
    return exits.ok;
  }
  try {
    return await found.command.run({ flags, shell });
  } catch (cause) {
    if (cause instanceof ConfigError) {
      for (const problem of cause.problems) shell.err(problem);
      return exits.config;
    }
    shell.err(say(shell, texts.fault));
    shell.err(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    return exits.internal;
  }
}

function find(
  commands: readonly Command[],
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } | null {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = commands.find((each) => each.name === name);
    if (command !== undefined) return { command, rest: words.slice(command.name.split(' ').length) };
  }
  return null;
}

/** Null when they do not fit; that was told then. */
function readFlags(
  command: Command,
  rest: readonly string[],
  shell: Shell,
): Readonly<Record<string, string | boolean | undefined>> | null {
  const options = Object.fromEntries(Object.entries(command.options).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: [...rest], options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    shell.err(cause.message);
    for (const line of details(command, shell)) shell.err(line);
    return null;
  }
}

const column = 22;

function overview(commands: readonly Command[], shell: Shell): readonly string[] {
  const rows = [...commands.map(({ name, summary }) => [name, summary] as const), ['help', texts.help] as const];
  return [
    say(shell, texts.usage),
    '',
    say(shell, texts.commands),
    ...rows.map(([name, summary]) => `  ${name.padEnd(column)}${say(shell, summary)}`),
    '',
    say(shell, texts.more),
  ];
}

function details({ name, summary, options }: Command, shell: Shell): readonly string[] {
  const rows = Object.entries(options).map(
    ([option, { value, meaning }]) =>
      `  ${`--${option}${value === undefined ? '' : ` ${value}`}`.padEnd(column)}${say(shell, meaning)}`,
  );
  return [
    `lanying ${name}${rows.length === 0 ? '' : ' [options]'}`,
    say(shell, summary),
    ...(rows.length === 0 ? [] : ['', say(shell, texts.options), ...rows]),
  ];
}
