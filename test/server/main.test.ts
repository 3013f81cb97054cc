/** The process itself: what it prints, and how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanying-main-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out: string;
  log: string;
  /** Resolves once standard output holds the text; rejects when the process ends before. */
  said(text: string): Promise<void>;
}

function start(variables: Record<string, string>): Run {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LANYING_')));
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], { cwd: root, env: { ...environment, LANYING_DATA: join(folder, 'data'), ...variables } });
  children.push(child);
  const watchers: (() => void)[] = [];
  const run: Run = {
    child,
    out: '',
    log: '',
    ended: new Promise((ended) => child.once('close', ended)),
    said: (text) =>
      new Promise((found, failed) => {
        const look = (): void => {
          if (run.out.includes(text)) found();
        };
        watchers.push(look);
        void run.ended.then((code) => failed(new Error(`ended with ${code}: ${run.log}`)));
        look();
      }),
  };
  child.stdout.on('data', (chunk: Buffer) => {
    run.out += chunk.toString();
    for (const look of watchers) look();
  });
  child.stderr.on('data', (chunk: Buffer) => (run.log += chunk.toString()));
  return run;
}

const freePort = () =>
  new Promise<number>((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** Whole processes start here, several of them, beside whatever else the machine does. */
const patience = { timeout: 120_000 };

test('wrong variables end it with 78 and one line each, no stack', patience, async () => {
  const run = start({ LANYING_PROT: '1', LANYING_PORT: 'x' });
  expect(await run.ended).toBe(78);
  const lines = run.log.trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^lanying cannot start: LANYING_PROT is unknown/);
  expect(lines[1]).toMatch(/^lanying cannot start: LANYING_PORT must be/);
  expect(run.out).toBe('');
});

test('it prints one setup link, serves, keeps others off its folder and port, and ends with 0 on SIGTERM', patience, async () => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const token = 'a-token-of-the-test-0123456789';
  const run = start({ LANYING_ORIGIN: origin, LANYING_SETUP_TOKEN: token });
  await run.said('#token=');
  expect(run.out.match(/\/setup#token=/g)).toHaveLength(1);
  expect(run.out).toContain(`${origin}/setup#token=${token}\n`);
  expect(run.log).not.toContain(token);
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${origin}/readyz`)).json()).toEqual({ ready: true, reasons: [] });

  const sameFolder = start({ LANYING_ORIGIN: `http://localhost:${await freePort()}` });
  const samePort = start({ LANYING_ORIGIN: origin, LANYING_DATA: join(folder, 'other') });
  expect(await sameFolder.ended).toBe(1);
  expect(sameFolder.log.trim().split('\n').at(-1)).toMatch(/^lanying cannot start: the data folder is in use by process \d+.*LANYING_DATA/);
  expect(await samePort.ended).toBe(1);
  expect(samePort.log.trim().split('\n').at(-1)).toMatch(/^lanying cannot start: Cannot listen on .*LANYING_PORT/);

  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  const again = start({ LANYING_ORIGIN: origin });
  await again.said('#token=');
  again.child.kill('SIGINT');
  expect(await again.ended).toBe(0);
});
