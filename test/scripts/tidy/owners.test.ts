import { describe, expect, it } from 'vitest';
import { checkEnvironment, checkPackages, checkRuntime } from '../../../scripts/tidy/owners.ts';
import { parseSource, type Finding, type Source } from '../../../scripts/tidy/source.ts';

const messages = (check: (source: Source) => Finding[], path: string, text: string): string[] => check(parseSource(path, text)).map(({ message }) => message);

describe('packages with one owner', () => {
  it.each([
    ['server/transport/app.ts', "import uWS from 'uWebSockets.js';"],
    ['web/engine/mls/library.ts', "import { joinGroup } from 'ts-mls/x.js';"],
    ['test/web/mls/a.test.ts', "import 'ts-mls';"],
    ['web/platform/node/a.ts', "import 'node:fs';"],
  ])('%s may: %s', (path, text) => expect(messages(checkPackages, path, text)).toEqual([]));

  it.each([
    ['server/session/a.ts', "import uWS from 'uWebSockets.js';", 'only server/transport may import uWebSockets.js'],
    ['web/engine/mls/groups.ts', "import type { X } from 'ts-mls/x.js';", 'only web/engine/mls/library.ts may import ts-mls'],
    ['web/engine/a.ts', "import 'node:fs';", 'node:fs does not exist in browsers'],
    ['server/protocol/a.ts', "import 'node:crypto';", 'node:crypto does not exist in browsers'],
  ])('%s may not: %s', (path, text, message) => expect(messages(checkPackages, path, text)).toEqual([message]));
});

describe('the environment', () => {
  it.each([
    ['server/config/env.ts', 'export const env = process.env;'],
    ['scripts/a.ts', 'process.env;'],
    ['server/main.ts', 'process.exitCode = 1; const env = { env: 1 }.env;'],
  ])('%s may: %s', (path, text) => expect(messages(checkEnvironment, path, text)).toEqual([]));

  it.each([
    ['server/main.ts', 'process.env.HOME;'],
    ['server/ops/a.ts', "process['env'];"],
    ['web/sdk/a.ts', 'const { HOME } = globalThis.process.env;'],
    ['server/ops/a.ts', "import { env } from 'node:process';"],
  ])('%s may not: %s', (path, text) => expect(messages(checkEnvironment, path, text)).toEqual(['the environment is read in server/config/env.ts only']));
});

describe('clock, randomness and timers', () => {
  it.each([
    ['server/ports/runtime-system.ts', 'Date.now(); setTimeout(() => {}, 1);'],
    ['web/platform/runtime.ts', 'performance.now(); new Date();'],
    ['server/domain/a.ts', 'new Date(now).toISOString(); runtime.setTimeout(); const a = { setTimeout: 1 }; Date.UTC(2026);'],
    ['server/domain/a.ts', 'type T = ReturnType<typeof setTimeout>; Math.max(1, 2);'],
    ['test/server/a.test.ts', 'Date.now();'],
  ])('%s may: %s', (path, text) => expect(messages(checkRuntime, path, text)).toEqual([]));

  it.each([
    ['Date.now()', 'Date.now'],
    ['Math.random()', 'Math.random'],
    ['const { floor } = Math; globalThis.Math.random()', 'Math.random'],
    ["performance['now']()", 'performance.now'],
    ['setTimeout(() => 1, 1)', 'setTimeout'],
    ['const later = setInterval', 'setInterval'],
    ['globalThis.setTimeout(f, 1)', 'setTimeout'],
    ['new Date()', 'new Date()'],
    ['Date()', 'Date()'],
    ["import { setTimeout as sleep } from 'node:timers/promises'", 'node:timers/promises'],
  ])('nobody else: %s', (text, what) => {
    for (const path of ['server/domain/a.ts', 'web/engine/a.ts']) expect(messages(checkRuntime, path, text)).toContain(`${what} is the runtime port's alone`);
  });
});
