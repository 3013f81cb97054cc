/** Walks the key directory as the audit log is walked, and asks besides that everybody who is stored is in it, at the place that is kept for them ([X4]). */
import type { Checkpoint } from '#protocol/checkpoint.ts';
import { deviceLeaf, identityLeaf, parseDirectoryLeaf } from '#protocol/directory.ts';
import { listPageMax } from '#protocol/limits.ts';
import { leafHash, sameHash } from '#protocol/merkle.ts';
import { CorruptionError, type Store } from '../../ports/store.ts';
import { type Finding, type Verdict, verifyLog } from '../audit/verify.ts';
import { sha256 } from '../digests.ts';

type Stored = Pick<Store, 'accounts' | 'devices' | 'directory'>;

/** As verifyLog; `unlisted`: an account or device that is stored has no leaf, or its place is not that leaf's. */
export async function verifyDirectory(
  store: Stored,
  heads: readonly Checkpoint[],
  publicKey: Uint8Array,
): Promise<Verdict> {
  const verdict = await verifyLog(store.directory, heads, publicKey);
  if (verdict.first !== null) return verdict;
  return { ...verdict, first: (await strange(store, verdict.size)) ?? (await unlisted(store, verdict.size)) };
}

/** A leaf that is no leaf of the directory, hashed as it may be. */
async function strange({ directory }: Stored, size: number): Promise<Finding | null> {
  for (let from = 0; from < size; from += listPageMax) {
    const leaves = await directory.leaves(from, listPageMax);
    const at = leaves.findIndex((leaf) => parseDirectoryLeaf(leaf) === null);
    if (at !== -1) return { index: from + at, until: from + at + 1, fault: 'damaged' };
  }
  return null;
}

async function unlisted({ accounts, devices, directory }: Stored, size: number): Promise<Finding | null> {
  for (let after: string | null = null, more = true; more;) {
    const page: Awaited<ReturnType<Stored['accounts']['list']>> = await accounts.list(after, listPageMax);
    const leaves = [
      ...page.map(({ userId, identityKey }) => identityLeaf(sha256, userId, identityKey)),
      ...(await devices.ofUsers(page.map(({ userId }) => userId))).map(({ userId, certificate }) =>
        deviceLeaf(sha256, userId, certificate),
      ),
    ];
    for (const leaf of leaves) {
      const index = await placeOf(directory, leaf);
      if (index !== null) return { index: Math.min(index, size), until: Math.min(index, size) + 1, fault: 'unlisted' };
    }
    after = page.at(-1)?.handle ?? null;
    more = page.length === listPageMax;
  }
  return null;
}

/** Null when it is where its place says; else that place, or the end when it has none. */
async function placeOf(directory: Stored['directory'], leaf: Uint8Array): Promise<number | null> {
  try {
    const [place = null] = await directory.places([leafHash(sha256, leaf)]);
    if (place === null) return Number.MAX_SAFE_INTEGER;
    const [there] = await directory.leaves(place, 1);
    return there !== undefined && sameHash(there, leaf) ? null : place;
  } catch (cause) {
    if (cause instanceof CorruptionError) return Number.MAX_SAFE_INTEGER;
    throw cause;
  }
}
