#!/usr/bin/env node
// `lanying <command>`: what an operator does beside the server. In a checkout `npm run lanying -- <command>`.
import { once } from 'node:events';
import { processEnvironment } from '../../server/config/env.ts';
import type { Language } from './command.ts';
import { commands } from './commands.ts';
import { runProgram } from './program.ts';

const languageOf = ({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): Language =>
  // The first that is set and not empty counts (POSIX, "Environment Variables").
  [LC_ALL, LC_MESSAGES, LANG].find((value) => value !== undefined && value !== '')?.startsWith('zh') === true
    ? 'zh'
    : 'en';

process.exitCode = await runProgram(commands, process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  write: async (bytes) => {
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
  },
  read: () => process.stdin,
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line ?? ''}`);
  },
  language: languageOf(process.env),
  environment: processEnvironment,
});
