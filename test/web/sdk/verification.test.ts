/** Safety numbers by the SDK. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../../web/sdk/index.ts';
import { makeOwner, makePerson } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';

let server: TestServer;
let ada: Client;
let ben: Client;
beforeAll(async () => {
  server = await startServer();
  ada = await makeOwner(server, 'ada');
  ben = await makePerson(server, ada, 'ben');
});
afterAll(async () => {
  await Promise.all([ada.close(), ben.close()]);
  await server.remove();
});

/** Worked out in the background; asked again until it is there. */
async function digitsOf(client: Client, handle: string): Promise<string> {
  for (;;) {
    const { safetyNumber } = await client.verification.of(handle);
    if (safetyNumber !== null) return safetyNumber;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('[X10] people are verified by the number that both see', async () => {
  const digits = await digitsOf(ada, 'ben');
  expect(await digitsOf(ben, 'ada')).toBe(digits);
  expect(await ada.verification.of('ben')).toEqual({ identity: 'pinned', verified: false, safetyNumber: digits, keyChanges: [] });
  await expect(ada.verification.verify('ben', '0'.repeat(60))).rejects.toMatchObject({ code: 'identity.mismatch' });
  await ada.verification.verify('ben', digits.replace(/(.{5})/g, '$1 '));
  expect((await ada.verification.of('ben')).verified).toBe(true);
  expect((await ben.verification.of('ada')).verified).toBe(false);
  await expect(ada.verification.of('nobody')).rejects.toMatchObject({ code: 'person.unknown' });
  expect(ada.verification.directory()).toBe('consistent');
});
