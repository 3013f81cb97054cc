import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { ConfigError } from '../../../server/config/config.ts';
import { readEnvironment } from '../../../server/config/env.ts';
import { variables } from '../../../server/config/variables.ts';

const problemsOf = (raw: Record<string, string>): readonly string[] => {
  try {
    readEnvironment(raw);
    return [];
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems;
    throw cause;
  }
};

test('nothing set: localhost only, data beside, a random token, a key of its own', () => {
  expect(readEnvironment({ PATH: '/bin', HOME: '/root' })).toEqual({
    config: { origin: 'http://localhost:8080', bind: '127.0.0.1', port: 8080, dataFolder: resolve('data'), logLevel: 'info', files: { fileBytesMax: 2 ** 31, personBytesMax: 10 * 2 ** 30, totalBytesMax: 100 * 2 ** 30, freeBytesMin: 2 ** 29 }, auditHeads: { file: null, webhook: null }, purgeRegister: null, sendsPersonMax: 1_000, backup: null },
    masterKeyFile: null,
    setupToken: null,
  });
});

test('what is read is frozen', () => {
  const environment = readEnvironment({});
  expect(Object.isFrozen(environment) && Object.isFrozen(environment.config)).toBe(true);
});

describe('backups by themselves', () => {
  const recipient = `age1${'q'.repeat(58)}`;
  test('have a place, recipients, a schedule and a number', () => {
    const { config } = readEnvironment({ LANYING_BACKUP_TO: '/mnt/kept', LANYING_BACKUP_RECIPIENTS: `${recipient}, ${recipient}` });
    expect(config.backup).toEqual({ to: '/mnt/kept', recipients: [recipient, recipient], schedule: '15 2 * * *', keep: 14 });
  });
  test.each([
    [{ LANYING_BACKUP_TO: '/mnt/kept' }, /go together/],
    [{ LANYING_BACKUP_RECIPIENTS: recipient }, /go together/],
    [{ LANYING_BACKUP_TO: '/mnt/kept', LANYING_BACKUP_RECIPIENTS: 'AGE-SECRET-KEY-1X' }, /LANYING_BACKUP_RECIPIENTS must be/],
    [{ LANYING_BACKUP_SCHEDULE: 'nightly' }, /LANYING_BACKUP_SCHEDULE must be/],
    [{ LANYING_BACKUP_SCHEDULE: '* * * * * *' }, /LANYING_BACKUP_SCHEDULE must be/],
    [{ LANYING_BACKUP_KEEP: '0' }, /LANYING_BACKUP_KEEP must be/],
  ])('%j is refused', (raw, why) => {
    expect(problemsOf(raw).join(' ')).toMatch(why);
  });
});

describe('origin and port', () => {
  test.each([
    ['http://localhost:9000', 'http://localhost:9000', 9000],
    ['http://127.0.0.1:81/', 'http://127.0.0.1:81', 81],
    ['http://[::1]:8081', 'http://[::1]:8081', 8081],
    ['http://localhost', 'http://localhost', 80],
    ['https://chat.example.org', 'https://chat.example.org', 8080],
    ['https://Chat.Example.org:443', 'https://chat.example.org', 8080],
    ['https://chat.example.org:8443', 'https://chat.example.org:8443', 8080],
  ])('%s', (text, origin, port) => {
    expect(readEnvironment({ LANYING_ORIGIN: text }).config).toMatchObject({ origin, port });
    expect(readEnvironment({ LANYING_ORIGIN: text, LANYING_PORT: '1234' }).config).toMatchObject({ origin, port: 1234 });
  });
  test('a port alone also names the origin, so that the setup link leads to it', () => {
    expect(readEnvironment({ LANYING_PORT: '9000' }).config).toMatchObject({ origin: 'http://localhost:9000', port: 9000 });
  });
  test.each(['http://chat.example.org', 'http://192.168.1.2:8080', 'http://localhost.example.org', 'http://0.0.0.0:8080', 'http://127.0.0.2'])(
    'plain http on %s is refused and says why',
    (text) => {
      expect(problemsOf({ LANYING_ORIGIN: text })).toEqual([expect.stringMatching(/^LANYING_ORIGIN .*secure context.*https:\/\//)]);
    },
  );
  test.each(['', 'chat.example.org', 'ftp://localhost', 'https://chat.example.org/chat', 'https://u:p@chat.example.org', 'https://chat.example.org/?a', 'javascript:1', 'null'])(
    '"%s" is no origin',
    (text) => expect(problemsOf({ LANYING_ORIGIN: text })).toEqual([expect.stringMatching(/^LANYING_ORIGIN .*may be/)]),
  );
});

test.each([
  ['LANYING_PORT', ['0', '65536', '-1', '8080.5', '0x50', '', ' 80', '080'], ['1', '65535']],
  ['LANYING_BIND', ['', 'example.org', '127.0.0.256', '::g'], ['0.0.0.0', '::', '::1', 'localhost', '10.0.0.1']],
  ['LANYING_FILE_SIZE_MAX', ['', '0M', '1', '1K', '1.5G', '65G', '1g', '-1M', ' 1M'], ['1M', '64G', '500M']],
  ['LANYING_FILES_TOTAL_MAX', ['', '65537G'], ['65536G', '1M']],
  ['LANYING_SETUP_TOKEN', ['', 'short', 'a'.repeat(15), 'a'.repeat(129), 'a b c d e f g h i j'], ['a'.repeat(16), 'A-z_0'.repeat(5), 'a'.repeat(128)]],
  ['LANYING_AUDIT_HEAD_FILE', ['', 'a\0b'], ['heads', '/mnt/other/heads.txt']],
  ['LANYING_AUDIT_HEAD_WEBHOOK', ['', 'heads', 'ftp://example.org', 'https://me:pw@example.org/', 'https://example.org/#a'], ['https://example.org/heads?a=b', 'http://10.0.0.2:9000/']],
  ['LANYING_LOG_LEVEL', ['', 'verbose', 'INFO'], ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']],
  ['LANYING_DATA', ['', 'a\0b'], ['data', '/srv/lanying']],
  ['LANYING_MASTER_KEY_FILE', ['', 'a\0b'], ['/run/secrets/key']],
])('%s', (name, bad, good) => {
  for (const value of bad) expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  for (const value of good) expect(problemsOf({ [name]: value })).toEqual([]);
});

test('every problem is told at once, each by its name, and no secret is repeated', () => {
  const problems = problemsOf({ LANYING_PROT: '1', LANYING_PORT: 'x', LANYING_ORIGIN: 'x', LANYING_SETUP_TOKEN: 'hush hush' });
  expect(problems).toHaveLength(4);
  expect(problems[0]).toContain('LANYING_PROT is unknown; the variables are LANYING_ORIGIN, ');
  for (const name of ['LANYING_PORT', 'LANYING_ORIGIN', 'LANYING_SETUP_TOKEN']) expect(problems.join('\n')).toContain(`${name} `);
  expect(problems.join('\n')).not.toContain('hush');
});

test('whatever the variables hold, there is a configuration or a list of problems', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(variables), 'LANYING_X', 'OTHER'), fc.string()), (raw) => {
      for (const problem of problemsOf(raw)) expect(problem).toMatch(/^LANYING_[A-Z_]+ /);
    }),
  );
});

test('README lists exactly these variables, in the same words', () => {
  const readme = readFileSync(resolve(import.meta.dirname, '../../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `(LANYING_[A-Z_]+)` \| (.*) \| (.*) \|$/gm)].map(([, name, fallback, meaning]) => [name, { default: fallback, meaning }]);
  expect(Object.fromEntries(rows)).toEqual(variables);
});
