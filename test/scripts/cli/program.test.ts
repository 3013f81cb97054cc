import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../server/config/config.ts';
import { type Command, exits, type Language, type Shell } from '../../../scripts/cli/command.ts';
import { runProgram } from '../../../scripts/cli/program.ts';
import { noStreams } from '../../harness/shell.ts';

const root = resolve(import.meta.dirname, '../../..');

function recorded(language: Language = 'en'): Shell & { readonly outs: string[]; readonly errs: string[] } {
  const outs: string[] = [];
  const errs: string[] = [];
  const environment = () => {
    throw new ConfigError(['LANYING_PORT must be a whole number']);
  };
  return { ...noStreams, outs, errs, language, environment, out: (line) => outs.push(line), err: (line) => errs.push(line) };
}

const named = (name: string, run: Command['run']): Command => ({
  name,
  summary: { en: `does ${name}`, zh: `执行 ${name}` },
  options: { file: { type: 'string', value: 'FILE', meaning: { en: 'which file', zh: '哪个文件' } } },
  run,
});
const saying = (name: string): Command =>
  named(name, ({ flags, shell }) => {
    shell.out(`${name} ${String(flags['file'])}`);
    return Promise.resolve(exits.found);
  });

describe('the command line', () => {
  it('runs the command that is named, two words before one, and ends as it says', async () => {
    const table = [saying('verify'), saying('verify audit')];
    const shell = recorded();
    expect(await runProgram(table, ['verify', 'audit', '--file', 'a'], shell)).toBe(exits.found);
    expect(await runProgram(table, ['verify', '--file=b'], shell)).toBe(exits.found);
    expect(shell.outs).toEqual(['verify audit a', 'verify b']);
  });

  it('answers an unknown command, option or word with the usage and 64', async () => {
    const table = [saying('verify')];
    for (const words of [['nonsense'], ['verify', '--nonsense'], ['verify', 'nonsense'], []]) {
      const shell = recorded();
      expect(await runProgram(table, words, shell)).toBe(64);
      expect(shell.outs).toEqual([]);
      expect(shell.errs.join('\n')).toContain('lanying');
      expect(shell.errs.join('\n')).toContain('does verify');
    }
  });

  it('helps in both languages', async () => {
    const table = [saying('verify')];
    const [english, chinese] = [recorded('en'), recorded('zh')];
    expect(await runProgram(table, ['help'], english)).toBe(0);
    expect(await runProgram(table, ['verify', '--help'], chinese)).toBe(0);
    expect(english.outs.join('\n')).toMatch(/commands:\n {2}verify +does verify/);
    expect(chinese.outs.join('\n')).toMatch(/执行 verify[\s\S]*--file FILE +哪个文件/);
  });

  it('tells problems of the environment one by one with 78, and faults of its own with 70', async () => {
    const config = recorded();
    const reads = named('reads', ({ shell }) => Promise.resolve(shell.environment()).then(() => exits.ok));
    expect(await runProgram([reads], ['reads'], config)).toBe(78);
    expect(config.errs).toEqual(['LANYING_PORT must be a whole number']);
    const fault = recorded();
    const breaks = named('breaks', () => Promise.reject(new Error('an invariant')));
    expect(await runProgram([breaks], ['breaks'], fault)).toBe(70);
    expect(fault.errs.join('\n')).toContain('an invariant');
  });
});

/** The real program, as `npm run lanying` starts it. */
const lanying = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly code: number; readonly out: string; readonly err: string }>((ended) => {
    const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
    const options = { cwd: root, env: { PATH: process.env['PATH'], ...env } };
    execFile(process.execPath, [tsx, 'scripts/cli/main.ts', ...words], options, (failure, out, err) => {
      ended({ code: failure === null ? 0 : Number(failure.code), out, err });
    });
  });

describe('the program', () => {
  it('prints its version, and speaks the language of the environment', async () => {
    expect(await lanying(['version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^lanying \d+\.\d+\.\d+\n$/),
    });
    const unknown = await lanying(['nonsense'], { LANG: 'zh_CN.UTF-8' });
    expect(unknown).toMatchObject({ code: 64, out: '' });
    expect(unknown.err).toContain('未知命令: nonsense');
  });
});
