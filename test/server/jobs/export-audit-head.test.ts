/** Heads of a real log on their way to a real file, a real HTTP server and the bus. */
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCheckpoints } from '#protocol/checkpoint.ts';
import { HeadWebhook } from '../../../server/bus/head-webhook.ts';
import { exportAuditHead } from '../../../server/jobs/export-audit-head.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import type { HeadSink } from '../../../server/ports/audit-store.ts';
import { HeadFile } from '../../../server/storage/disk/head-file.ts';
import { type TemporaryFolder, temporaryFolder } from '../../harness/folder.ts';
import { okay, type Peer, World } from '../commands/world.ts';

let folder: TemporaryFolder;
let world: World;
let owner: Peer;
beforeEach(async () => {
  folder = await temporaryFolder();
  world = new World();
  owner = await world.owner();
});
afterEach(() => folder.remove());

const jobTo = (sinks: readonly HeadSink[]) =>
  exportAuditHead({ heads: world.services.audit.heads, accounts: world.store.accounts, bus: world.services.bus, sinks });
const path = (): string => join(folder.path, 'heads.txt');
const sizes = async (): Promise<readonly number[] | undefined> => parseCheckpoints(await readFile(path(), 'utf8'))?.map(({ size }) => size);
const told = () => world.happenings.filter((happening) => happening.kind === 'auditHead');

describe('[U10] the file', () => {
  test('gets each new head once, readable by its owner alone, and administrators hear of it', async () => {
    const guest = await world.invited(owner, 'guest');
    const job = jobTo([new HeadFile(path())]);
    expect(await job.run()).toBe(2);
    expect(await job.run()).toBe(0);
    okay(await owner.call('invite.create', {}));
    expect(await job.run()).toBe(2);
    expect(await sizes()).toEqual([5, 6]);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(told().map(({ admins }) => admins)).toEqual([[owner.userId], [owner.userId]]);
    expect(told()[0]?.admins).not.toContain(guest.userId);
    // After a restart the same head may come again.
    await jobTo([new HeadFile(path())]).run();
    expect(await sizes()).toEqual([5, 6, 6]);
  });

  test('gets the heads of the key directory too', async () => {
    const { audit, directory, bus } = world.services;
    const job = exportAuditHead({ heads: audit.heads, directory: directory.heads, accounts: world.store.accounts, bus, sinks: [new HeadFile(path())] });
    expect(await job.run()).toBe(3);
    await world.invited(owner, 'guest');
    expect(await job.run()).toBe(3);
    expect(await job.run()).toBe(0);
    const heads = parseCheckpoints(await readFile(path(), 'utf8')) ?? [];
    expect(heads.map(({ origin, size }) => `${origin.split('/')[1] ?? ''} ${size}`)).toEqual(['lanying-audit 2', 'lanying-directory 2', 'lanying-audit 5', 'lanying-directory 4']);
    expect(told()).toHaveLength(2);
  });

  test('loses what a power cut left of a note, and nothing else', async () => {
    const job = jobTo([new HeadFile(path())]);
    await job.run();
    const whole = await readFile(path(), 'utf8');
    for (let left = 1; left < whole.length; left += 7) {
      await writeFile(path(), whole + whole.slice(0, left));
      await new HeadFile(path()).deliver(whole);
      expect(await readFile(path(), 'utf8')).toBe(whole + whole);
    }
    await writeFile(path(), 'x'.repeat(10_000));
    await expect(new HeadFile(path()).deliver(whole)).rejects.toThrow('something else');
    await appendFile(path(), '');
    expect((await stat(path())).size).toBe(10_000);
  });
});

describe('[U10] the webhook', () => {
  let server: Server;
  let bodies: string[];
  let status: number;
  beforeEach(async () => {
    bodies = [];
    status = 500;
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        bodies.push(`${request.method ?? ''} ${request.headers['content-type'] ?? ''} ${body}`);
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(() => new Promise((closed) => server.close(closed)));

  test('is tried again until it answers well, and keeps no other place waiting', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/heads`;
    const job = jobTo([new HeadWebhook(url, systemRuntime), new HeadFile(path())]);
    await expect(job.run()).rejects.toThrow('by 1 of 3 places');
    expect(await sizes()).toEqual([2]);
    status = 302;
    await expect(job.run()).rejects.toThrow('by 1 of 1 places');
    status = 204;
    expect(await job.run()).toBe(1);
    expect(await job.run()).toBe(0);
    expect(bodies).toHaveLength(3);
    const { checkpoint } = okay(await owner.call('audit.head', {}));
    expect(bodies[2]).toBe(`POST text/plain; charset=utf-8 ${checkpoint}`);
    expect(await sizes()).toEqual([2]);
  });
});
