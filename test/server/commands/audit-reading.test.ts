/** Reading, proving and exporting the audit log through the router. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseCheckpoint,
  parseCheckpoints,
  parseVerifierKey,
  keyIdOf,
  signedBytesOf,
  signedNote,
} from '#protocol/checkpoint.ts';
import type { Input } from '#protocol/commands/index.ts';
import { auditExportPageMax, auditScanMax } from '#protocol/limits.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '#protocol/merkle.ts';
import { verifyEd25519 } from '../../../server/domain/digests.ts';
import { csvCell } from '../../../server/domain/audit/export-forms.ts';
import { codeOf, okay, type Peer, value, World } from './world.ts';
import '../../harness/seed.ts';

const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();

async function checkedHead(by: Peer, since?: number) {
  const { checkpoint, verifierKey, consistency } = okay(
    await by.call('audit.head', since === undefined ? {} : { since }),
  );
  const head = value(parseCheckpoint(checkpoint));
  const key = value(parseVerifierKey(digest, verifierKey));
  expect(key.name).toBe('localhost:8080/lanying-audit');
  expect(head.origin).toBe(key.name);
  expect(head.keyId).toEqual(keyIdOf(digest, key.name, key.publicKey));
  expect(verifyEd25519(key.publicKey, signedBytesOf(head), head.signature)).toBe(true);
  return { ...head, checkpoint, consistency };
}

const fill = async (
  world: World,
  count: number,
  facts: (at: number) => Record<string, string | number> = (at) => ({ at }),
): Promise<void> => {
  for (let at = 0; at < count; at += 1)
    await world.store.audit.append([
      world.scribe({ act: 'settings.changed', object: { kind: 'server', id: `o${at % 3}` }, after: facts(at) }),
    ]);
};

describe('[U4] heads and proofs', () => {
  test('are signed, consistent with every earlier size, and include every entry', async () => {
    const world = new World();
    const owner = await world.owner();
    const heads = [await checkedHead(owner)];
    for (let round = 0; round < 12; round += 1) {
      await fill(world, 1 + (round % 4));
      heads.push(await checkedHead(owner));
    }
    const newest = value(heads.at(-1));
    for (const earlier of heads) {
      const { consistency, size, root } = await checkedHead(owner, earlier.size);
      expect(
        verifyConsistency(digest, {
          first: earlier.size,
          second: size,
          firstRoot: earlier.root,
          secondRoot: root,
          proof: consistency,
        }),
      ).toBe(true);
      const { leaf, inclusion } = okay(await owner.call('audit.proof', { index: earlier.size - 1, size: newest.size }));
      expect(
        verifyInclusion(digest, {
          index: earlier.size - 1,
          size: newest.size,
          leaf: leafHash(digest, leaf),
          root: newest.root,
          proof: inclusion,
        }),
      ).toBe(true);
    }
    expect(codeOf(await owner.call('audit.head', { since: newest.size + 1 }))).toBe('audit.ahead');
    expect(codeOf(await owner.call('audit.proof', { index: 0, size: newest.size + 1 }))).toBe('audit.ahead');
    expect(codeOf(await owner.call('audit.proof', { index: newest.size, size: newest.size }))).toBe('audit.unknown');
    expect(parseCheckpoints(heads.map(({ checkpoint }) => checkpoint).join(''))?.map(({ size }) => size)).toEqual(
      heads.map(({ size }) => size),
    );
    expect(parseCheckpoints(`${newest.checkpoint}x`)).toBeNull();
    expect(parseCheckpoints('')).toEqual([]);
  });

  test('key ids and signatures are those of the signed notes of other programs', () => {
    // The example of Go's golang.org/x/mod/sumdb/note.
    const key = value(parseVerifierKey(digest, 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'));
    const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const signature = Buffer.from('x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=', 'base64');
    expect(Buffer.from(keyIdOf(digest, key.name, key.publicKey))).toEqual(signature.subarray(0, 4));
    expect(verifyEd25519(key.publicKey, signedBytesOf({ text }), signature.subarray(4))).toBe(true);
  });

  test('a checkpoint is read in its one form only', async () => {
    const { checkpoint, text, keyId, signature, origin } = await checkedHead(await new World().owner());
    expect(signedNote(text, origin, keyId, signature)).toBe(checkpoint);
    fc.assert(
      fc.property(fc.nat(checkpoint.length - 1), fc.constantFrom('', '\n', ' ', '0', '=', '—'), (at, put) => {
        const changed = checkpoint.slice(0, at) + put + checkpoint.slice(at + 1);
        const parsed = parseCheckpoint(changed);
        // Whatever still reads as a checkpoint says the same as its text, so that the signature covers it.
        if (parsed !== null)
          expect(signedNote(parsed.text, parsed.origin, parsed.keyId, parsed.signature)).toBe(changed);
      }),
      { numRuns: 500 },
    );
    // From the C2SP signed-note specification: a note key of another type, and a name with a plus, are no verifier keys of ours.
    expect(
      parseVerifierKey(digest, 'example.com/foo+530d903b+ASZyYjGyIkyZ3jyyvaZBlE3PpGUFBWzSVHCqAPRXfXOp'),
    ).toBeNull();
  });
});

describe('[U5] reading', () => {
  test('is for owner and admins', async () => {
    const world = new World();
    const owner = await world.owner();
    const { token } = okay(await owner.call('invite.create', { role: 'admin' }));
    const admin = await world.person('admin', { kind: 'invite', token });
    const member = await world.invited(owner, 'member');
    const calls = [
      ['audit.list', {}],
      ['audit.head', {}],
      ['audit.proof', { index: 0, size: 1 }],
      ['audit.export', { format: 'csv' }],
    ] as const;
    for (const [name, input] of calls) {
      expect([name, codeOf(await member.call(name, input))]).toEqual([name, 'permission.denied']);
      expect([name, codeOf(await world.call(name, input))]).toEqual([name, 'session.required']);
      for (const peer of [owner, admin]) expect([name, codeOf(await peer.call(name, input))]).toEqual([name, 'ok']);
    }
  });

  test('filters by actor, act, object and time, page by page', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const midday = world.runtime.now();
    world.runtime.advance(60_000);
    await fill(world, 9);
    const indices = async (input: Input<'audit.list'>): Promise<readonly number[]> => {
      const found: number[] = [];
      let before: number | undefined;
      for (let pages = 0; pages < 50; pages += 1) {
        const { entries, next } = okay(
          await owner.call('audit.list', { limit: 2, ...input, ...(before === undefined ? {} : { before }) }),
        );
        expect(entries.length).toBeLessThanOrEqual(2);
        found.push(...entries.map(({ index }) => index));
        if (next === null) return found;
        before = next;
      }
      throw new Error('no end');
    };
    expect(await indices({})).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await indices({ actor: guest.userId })).toEqual([4, 3]);
    expect(await indices({ act: 'account.created' })).toEqual([4, 1]);
    expect(await indices({ object: 'o1' })).toEqual([12, 9, 6]);
    expect(await indices({ to: midday + 1, act: 'invite.created' })).toEqual([2]);
    expect(await indices({ from: midday + 1, object: 'o0' })).toEqual([11, 8, 5]);
    expect(await indices({ actor: guest.userId, act: 'backup.made' })).toEqual([]);
  });

  test('looks at a bounded number of entries for one page', async () => {
    const world = new World();
    const owner = await world.owner();
    await fill(world, auditScanMax + 10);
    const first = okay(await owner.call('audit.list', { act: 'setup.completed' }));
    expect(first).toMatchObject({ entries: [], next: 12 });
    expect(okay(await owner.call('audit.list', { act: 'setup.completed', before: value(first.next) }))).toMatchObject({
      entries: [{ index: 0 }],
      next: null,
    });
  });
});

describe('[U8] exports', () => {
  async function exported(
    by: Peer,
    input: Input<'audit.export'>,
  ): Promise<{ readonly text: string; readonly pages: number }> {
    let text = '';
    let pages = 0;
    for (let after: number | null = 0; after !== null; pages += 1) {
      const page: { text: string; next: number | null } = okay(
        await by.call('audit.export', after === 0 ? input : { ...input, after }),
      );
      text += page.text;
      after = page.next;
    }
    return { text, pages };
  }

  test('hold every entry once, the one about the export too', async () => {
    const world = new World();
    const owner = await world.owner();
    await fill(world, auditExportPageMax + 5);
    const { text, pages } = await exported(owner, { format: 'jsonl' });
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { index: number; act: string; actor: unknown });
    expect(pages).toBe(2);
    expect(lines.map(({ index }) => index)).toEqual(lines.map((_, at) => at));
    expect(lines.at(-1)).toMatchObject({
      act: 'audit.exported',
      actor: { kind: 'person', userId: owner.userId },
      after: { format: 'jsonl', filtered: false },
    });
    const filtered = await exported(owner, { format: 'jsonl', act: 'audit.exported' });
    expect(filtered.text.trimEnd().split('\n')).toHaveLength(2);
  });

  test('CSV has one row for each entry, and no cell that is a formula', async () => {
    const world = new World();
    const owner = await world.owner();
    await fill(world, 3, () => ({ text: '=HYPERLINK("https://evil.example","a,b")' }));
    const { text } = await exported(owner, { format: 'csv' });
    const rows = text.slice(1).trimEnd().split('\r\n');
    expect(text.startsWith('\uFEFF"index","time"')).toBe(true);
    expect(rows).toHaveLength(1 + 2 + 3 + 1);
    for (const row of rows.slice(1)) expect(row.match(/"(?:[^"]|"")*"/g)).toHaveLength(11);
    expect(text).not.toMatch(/(?:^|,)"[=+\-@]/m);
  });

  test('no text whatever becomes a cell that begins as a formula, and every text can be read back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '＝', '＠'), fc.string())
            .map((parts) => parts.join('')),
        ),
        (text) => {
          const cell = csvCell(text);
          expect(cell).toMatch(/^"[\s\S]*"$/);
          const inside = cell.slice(1, -1);
          expect(inside).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/u);
          expect(inside.replaceAll('""', '')).not.toContain('"');
          const read = inside.replaceAll('""', '"');
          expect([text, `'${text}`]).toContain(read);
        },
      ),
    );
  });
});
