/** The links that the server hands out are those that the client reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { UserId } from '#protocol/ids.ts';
import { Grants } from '../../server/domain/grants.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { openLevelStore } from '../../server/storage/level/store.ts';
import { grantOf } from '../../web/ui/models/account.ts';
import { randomId } from '../harness/door.ts';
import { testScribe } from '../harness/scribe.ts';

const origin = 'http://localhost:8080';

test('an invite link opens the join page with its token', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanying-links-'));
  const store = await openLevelStore({ folder, masterKey: new Uint8Array(32), runtime: systemRuntime });
  const grants = new Grants({ accounts: store.accounts, invites: store.invites, runtime: systemRuntime, setupToken: 'x'.repeat(20), origin });
  const made = await grants.invite(randomId<UserId>(), {}, testScribe(systemRuntime));
  if (!made.ok) throw new Error(made.code);
  const url = new URL(made.value.link);
  expect(made.value.link).toBe(`${origin}/join#token=${made.value.token}`);
  expect(grantOf(url.pathname, url.hash)).toEqual({ kind: 'invite', token: made.value.token });
  expect(grantOf('/setup', `#token=${made.value.token}`)).toEqual({ kind: 'setup', token: made.value.token });
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});
