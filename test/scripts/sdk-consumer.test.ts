import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../vite.config.ts';

/** A project of somebody else's that has lanying installed: only what package.json exports is in its reach. */
const consumer = mkdtempSync(join(tmpdir(), 'lanying-consumer-'));
const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: consumer, encoding: 'utf8', timeout: 60_000 });
const built = join(root, 'dist', 'sdk');

describe.skipIf(!existsSync(join(built, 'index.d.ts')))('a consumer of lanying/sdk (after a build)', () => {
  beforeAll(() => {
    mkdirSync(join(consumer, 'node_modules', '@types'), { recursive: true });
    symlinkSync(root, join(consumer, 'node_modules', 'lanying'));
    symlinkSync(join(root, 'node_modules', '@types', 'node'), join(consumer, 'node_modules', '@types', 'node'));
    writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rmSync(consumer, { recursive: true, force: true }));

  const check = (text: string) => {
    writeFileSync(join(consumer, 'bot.ts'), text);
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck', 'false'];
    return node(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...options, 'bot.ts');
  };

  it('type-checks against it, libraries checked too', () => {
    const ended = check("import { setup, register, signIn } from 'lanying/sdk';\nexport const calls = [setup, register, signIn] as const;\nexport type Client = Awaited<ReturnType<typeof signIn>>;\nexport const send = async (client: Client) => client.createInvite();\n");
    expect(ended.stdout).toBe('');
    expect(ended.status).toBe(0);
  });

  it('is told about mistakes, so its types are real', () => {
    const ended = check("import { signIn } from 'lanying/sdk';\nawait signIn({ origin: 1 });\n");
    expect(ended.status).not.toBe(0);
    expect(ended.stdout).toContain('bot.ts(2,');
  });

  it('runs it', () => {
    const ended = node('--input-type=module', '-e', "const sdk = await import('lanying/sdk'); console.log(['setup', 'register', 'signIn'].map((name) => typeof sdk[name]).join())");
    expect(ended.stderr).toBe('');
    expect(ended.stdout.trim()).toBe('function,function,function');
  });

  it('meets no path of our sources', () => {
    const declarations = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'));
    for (const name of declarations) expect(readFileSync(join(built, name), 'utf8'), name).not.toMatch(/['"]#protocol|from '[^']*\.ts'/);
  });
});
