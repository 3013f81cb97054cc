/** Replays a group that our wrapper shared with OpenMLS (fixtures/README.md). */
import { readFileSync } from 'node:fs';

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import * as mls from '../../../web/engine/mls/index.ts';
import { accept, hex, newDevice } from './people.ts';

const bytes = v.pipe(
  v.string(),
  v.hexadecimal(),
  v.transform((text) => Uint8Array.from(Buffer.from(text, 'hex'))),
);
const agreed = { epoch: v.number(), secret: v.string() };
const Fixture = v.object({
  version: v.string(),
  exported: v.object({ label: v.string(), length: v.number() }),
  keyPackages: v.array(bytes),
  steps: v.array(v.object({ what: v.string(), state: v.optional(bytes), commit: v.optional(bytes), ...agreed })),
  welcomed: v.object({ welcome: bytes, publicBytes: bytes, privateBytes: bytes, ...agreed }),
  groupInfo: bytes,
});
const fixture = v.parse(Fixture, JSON.parse(readFileSync(new URL('fixtures/core-crypto.json', import.meta.url), 'utf8')));
const { label, length } = fixture.exported;

async function view(state: mls.GroupState): Promise<{ epoch: number; secret: string }> {
  return { epoch: mls.epoch(state), secret: hex(await mls.exportSecret(state, label, new Uint8Array(), length)) };
}

describe(`a group shared with core-crypto ${fixture.version}`, () => {
  it('follows their commits to the secrets that they exported', async () => {
    const { ctx } = await newDevice('reader', async () => true);
    let state: mls.GroupState | null = null;
    for (const { what, state: kept, commit, epoch, secret } of fixture.steps) {
      if (kept !== undefined) state = mls.deserialize(kept);
      else if (state !== null && commit !== undefined) state = (await mls.processCommit(state, commit, ctx, accept)).next;
      if (state === null) throw new Error('the first step brings no state');
      expect(await view(state), what).toEqual({ epoch, secret });
    }
    expect(fixture.steps.filter(({ commit }) => commit !== undefined)).toHaveLength(7);
  });

  it('enters by their welcome', async () => {
    const { ctx } = await newDevice('newcomer', async () => true);
    const { welcome, epoch, secret, ...keyPackage } = fixture.welcomed;
    expect(mls.welcomeRecipients(welcome)).toEqual([(await mls.inspectKeyPackage(keyPackage.publicBytes)).reference]);
    expect(await view(await mls.joinByWelcome(welcome, keyPackage, ctx))).toEqual({ epoch, secret });
  });

  it('reads their key packages and adds them', async () => {
    const device = await newDevice('adder', async () => true);
    const parsed = await Promise.all(fixture.keyPackages.map(mls.inspectKeyPackage));
    expect(parsed.map(({ suite, lastResort }) => [suite, lastResort])).toEqual([
      [1, false],
      [1, false],
    ]);
    const state = await mls.createGroup({
      groupId: new Uint8Array([1]),
      suite: 1,
      credential: device.credential,
      signer: device.signer,
    });
    const made = await mls.commit(
      state,
      { add: fixture.keyPackages },
      { ...device.ctx, nowSeconds: parsed[0]?.lifetime.notAfter ?? 0 },
    );
    expect(mls.members(made.next)).toHaveLength(3);
  });

  it('joins from outside by their group info', async () => {
    const device = await newDevice('joiner', async () => true);
    const made = await mls.joinByExternalCommit(fixture.groupInfo, device, device.ctx);
    expect([mls.epoch(made.next), mls.members(made.next).length]).toEqual([10, 5]);
  });
});
