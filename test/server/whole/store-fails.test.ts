/** A disk that fails: the process ends rather than guess, and the next one shows everything that was acknowledged. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { begin, checkLog, readLog, sendWhile } from '../../../scripts/torture/raw-log.ts';
import { loadMasterKey } from '../../../server/config/master-key.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { openLevelStore } from '../../../server/storage/level/store.ts';
import { ChildServer } from '../../harness/child-server.ts';
import { FileClient } from '../../harness/files.ts';
import { RawSocket } from '../../harness/raw-client.ts';
import { freePort } from '../../harness/free-port.ts';
import { startServer } from '../../harness/server.ts';
import { purgerPath } from '../storage/purger.ts';

/** sysexits.h EX_IOERR */
const exitStore = 74;
const setupToken = 'setup-token-of-the-failing-0123456789';
const tools = mkdtempSync(join(tmpdir(), 'lanying-failing-sync-'));
const library = join(tools, 'failing-sync.so');

function compiled(): boolean {
  if (process.platform !== 'linux') return false;
  const source = resolve(import.meta.dirname, '../../harness/failing-sync.c');
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lpthread'], { stdio: 'pipe' });
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw cause;
  }
}
const canFail = compiled();
if (!canFail)
  process.stderr.write(
    'SKIPPED: a failing sync is injected by a library that gcc makes on Linux; there is no gcc here\n',
  );
afterAll(() => rmSync(tools, { recursive: true, force: true }));

describe.skipIf(!canFail)('[Z3] a sync that fails', () => {
  let dataFolder: string;
  let trigger: string;
  let origin: string;
  let server: ChildServer | null;
  beforeAll(() => expect(existsSync(library)).toBe(true));
  beforeEach(async () => {
    dataFolder = mkdtempSync(join(tmpdir(), 'lanying-failing-'));
    trigger = `${dataFolder}.trigger`;
    origin = `http://localhost:${await freePort()}`;
    server = null;
  });
  afterEach(async () => {
    await server?.kill();
    for (const path of [dataFolder, trigger, `${trigger}.met`]) rmSync(path, { recursive: true, force: true });
  });
  /** Its syncs of LevelDB's log fail while the trigger is there. */
  const parts = () => ({
    origin,
    dataFolder,
    setupToken,
    environment: {
      LD_PRELOAD: library,
      FAILING_SYNC_TRIGGER: trigger,
      FAILING_SYNC_UNDER: dataFolder,
      FAILING_SYNC_SUFFIX: '.log',
    },
  });
  const fail = (): void => writeFileSync(trigger, '');
  const heal = (): void => [trigger, `${trigger}.met`].forEach((path) => rmSync(path));

  it(
    '[Z3] under load: nothing is acknowledged any more, the process ends with 74, nothing acknowledged is lost',
    { timeout: 90_000 },
    async () => {
      const running = (server = await ChildServer.start(parts()));
      const { account, conversationId } = await begin(origin, setupToken);
      const shown = await readLog(origin, account.cookie, conversationId);
      const acknowledged = new Map<string, number>();
      const sockets = await Promise.all(Array.from({ length: 4 }, () => RawSocket.open(origin, account.cookie)));
      const sending = Promise.allSettled(
        sockets.map((socket) =>
          sendWhile(
            () => {
              if (acknowledged.size >= 50 && !existsSync(trigger)) fail();
              return true;
            },
            socket,
            { conversationId, shown, acknowledged },
          ),
        ),
      );
      // Nobody is told that the store failed: the sockets just close, and a client asks again.
      expect(await running.ended).toBe(exitStore);
      expect((await sending).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
      expect(existsSync(`${trigger}.met`)).toBe(true);
      expect(running.log).toContain('the store failed');
      await expect(fetch(`${origin}/readyz`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
      heal();
      server = await ChildServer.start(parts());
      // What was not synced is gone with the failure, so that whatever was acknowledged behind it would be missing here.
      const after = await readLog(origin, account.cookie, conversationId);
      expect(acknowledged.size).toBeGreaterThanOrEqual(50);
      checkLog(after.entries, acknowledged);
      const more = new Map<string, number>();
      const socket = await RawSocket.open(origin, account.cookie);
      await sendWhile(() => more.size < 5, socket, { conversationId, shown: after, acknowledged: more });
      checkLog((await readLog(origin, account.cookie, conversationId)).entries, new Map([...acknowledged, ...more]));
    },
  );

  it.each([
    ['what the store writes of itself', '.new'],
    ['a table that the log is written out as', '.ldb'],
    ['any file', ''],
  ])(
    '[Z3] of %s while the store is opened ends the start with 74 and one line, and the next one is well',
    { timeout: 90_000 },
    async (_what, suffix) => {
      const first = (server = await ChildServer.start(parts()));
      const { account, conversationId } = await begin(origin, setupToken);
      const before = await readLog(origin, account.cookie, conversationId);
      await first.kill();
      fail();
      const given = parts();
      const second = (server = new ChildServer({
        ...given,
        environment: { ...given.environment, FAILING_SYNC_SUFFIX: suffix },
      }));
      expect(await second.ended).toBe(exitStore);
      expect(existsSync(`${trigger}.met`)).toBe(true);
      const lines = second.log
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('lanying cannot start'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/The disk failed while the store was opened .*start again/);
      expect(second.log).not.toMatch(/^\s+at /m);
      heal();
      server = await ChildServer.start(parts());
      expect((await readLog(origin, account.cookie, conversationId)).entries).toEqual(before.entries);
    },
  );

  it.each([
    ['that is made', 0],
    ['that goes on', 10_000],
  ] as const)(
    '[Z3] of an uploaded file %s ends the process too: the store does not go on without what it was told',
    { timeout: 90_000 },
    async (_which, before) => {
      const given = parts();
      const environment = {
        ...given.environment,
        FAILING_SYNC_UNDER: join(dataFolder, 'files'),
        FAILING_SYNC_SUFFIX: '',
      };
      const first = (server = await ChildServer.start({ ...given, environment }));
      const { account, conversationId } = await begin(origin, setupToken);
      const client = new FileClient(origin, account.cookie);
      const made = await client.create(conversationId, 70_000);
      expect(made.status).toBe(201);
      const path = new URL(made.headers.location ?? '', origin).pathname;
      if (before > 0) expect((await client.append(path, 0, new Uint8Array(before))).status).toBe(204);
      fail();
      const sending = client.append(path, before, new Uint8Array(70_000 - before));
      const answer = await sending.then(({ status }) => status).catch(() => 0);
      expect(answer).not.toBe(204);
      expect(await first.ended).toBe(exitStore);
      expect(existsSync(`${trigger}.met`)).toBe(true);
      expect(first.log).toContain('the store failed');
      heal();
      server = await ChildServer.start(given);
      const head = await new FileClient(origin, account.cookie).call('HEAD', path);
      expect([head.status, head.headers['upload-offset']]).toEqual([200, String(before)]);
    },
  );

  it('[Z3] of the key file while a purge changes the key ends it too', { timeout: 60_000 }, async () => {
    const env = { ...process.env, ...parts().environment, FAILING_SYNC_SUFFIX: '/keys/kek' };
    const said = execFileSync(process.execPath, ['--import', 'tsx', purgerPath, dataFolder, trigger], {
      env,
      encoding: 'utf8',
    });
    expect(existsSync(`${trigger}.met`)).toBe(true);
    expect(said.trim()).toBe('rejected failed refused');
  });

  it('[Z3] of the register of purges ends the process: what it was told is not taken for written', { timeout: 90_000 }, async () => {
    const given = parts();
    const environment = { ...given.environment, FAILING_SYNC_SUFFIX: '/purged' };
    const first = (server = await ChildServer.start({ ...given, environment }));
    const { account } = await begin(origin, setupToken);
    const owner = await RawSocket.open(origin, account.cookie);
    fail();
    const rule = { class: 'messages', conversationId: null, days: 30 } as const;
    // The socket closes with the process; a refusal may come before.
    const answer = await owner.call('retention.set', rule).then(({ kind }) => kind, () => 'closed');
    expect(answer).not.toBe('answer');
    expect(await first.ended).toBe(exitStore);
    expect(existsSync(`${trigger}.met`)).toBe(true);
    expect(first.log).toContain('the store failed');
    heal();
    server = await ChildServer.start(given);
    const again = await RawSocket.open(origin, account.cookie);
    expect(await again.call('retention.set', rule)).toMatchObject({ kind: 'answer' });
  });

  it('[Z3] that only a job meets ends the process too', { timeout: 90_000 }, async () => {
    const first = (server = await ChildServer.start(parts()));
    const { account, conversationId } = await begin(origin, setupToken);
    const before = await readLog(origin, account.cookie, conversationId);
    expect(await first.stop()).toBe(0);
    await makeJobDue(dataFolder);
    fail();
    // Nobody calls: what writes is the job that came due while the server was down.
    const second = (server = new ChildServer(parts()));
    expect(await second.ended).toBe(exitStore);
    expect(existsSync(`${trigger}.met`)).toBe(true);
    expect(second.log).toContain('the store failed');
    heal();
    server = await ChildServer.start(parts());
    expect((await readLog(origin, account.cookie, conversationId)).entries).toEqual(before.entries);
  });
});

/** As if it had last run two days ago. */
async function makeJobDue(folder: string): Promise<void> {
  const { key } = loadMasterKey(folder, null, systemRuntime.random);
  const store = await openLevelStore({ folder, masterKey: key, runtime: systemRuntime });
  try {
    const job = 'sweep-expired-sessions';
    const now = systemRuntime.now();
    const lease = await store.leases.acquire(job, now, now + 60_000);
    if (lease === null) throw new Error('somebody has the lease');
    await store.leases.release(job, lease.token, now - 2 * 86_400_000);
  } finally {
    await store.close();
  }
}

test('[Z3] while a store has failed and the process still stands, it is not ready and acknowledges nothing', async () => {
  let broken: (cause: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((hear) => (broken = hear));
  let times = 0;
  const server = await startServer({
    onBroken: (cause) => {
      times += 1;
      broken(cause);
    },
  });
  const away = `${server.dataFolder}-away`;
  try {
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
    // The disk is gone; nobody calls, and the look at its room finds out.
    renameSync(server.dataFolder, away);
    expect(await failed).toMatchObject({ code: 'ENOENT' });
    const answer = await fetch(`${server.origin}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ ready: false, reasons: ['store failed'] });
    expect(await (await fetch(`${server.origin}/metrics`)).text()).toContain('lanying_store_open 0');
    await expect(begin(server.origin, server.setupToken)).rejects.toThrow('server.unavailable');
    expect(times).toBe(1);
  } finally {
    renameSync(away, server.dataFolder);
    await server.remove();
  }
});
