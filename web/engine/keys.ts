/** Key packages of this device: made, kept, published, refilled (notes on MLS: about 50 for each suite, refill below 20). */
import { keyPackagesRefillBelow, keyPackagesTarget } from '#protocol/limits.ts';
import type { NewKeyPackage, Suite } from '#protocol/model.ts';
import { toBase64Url } from '#protocol/ids.ts';
import { makeKeyPackage } from './mls/index.ts';
import type { DeviceKeys, Runtime, StoreWrite } from './ports.ts';
import { keyPackages } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';
import type { Connection } from './connection.ts';

export const suites: readonly Suite[] = [1, 83];
const lifetimeSeconds = 90 * 86_400;
/** Clocks of others may be behind. */
const backdateSeconds = 3_600;
const batch = 5;

export interface PackageMaker {
  readonly runtime: Runtime;
  readonly store: SealedStore;
  readonly keys: DeviceKeys;
  readonly certificate: Uint8Array;
}

export interface MadePackages {
  readonly published: readonly NewKeyPackage[];
  /** Must be stored before the public halves are handed out. */
  readonly writes: readonly StoreWrite[];
}

export async function makePackages(maker: PackageMaker, suite: Suite, count: number, withLastResort: boolean): Promise<MadePackages> {
  const now = Math.floor(maker.runtime.now() / 1_000);
  const published: NewKeyPackage[] = [];
  const writes: StoreWrite[] = [];
  for (let made = 0; made < count + (withLastResort ? 1 : 0); made += 1) {
    const lastResort = withLastResort && made === count;
    const { publicBytes, privateBytes, reference } = await makeKeyPackage({
      suite,
      credential: maker.certificate,
      signer: maker.keys,
      lifetime: { notBefore: now - backdateSeconds, notAfter: now + lifetimeSeconds },
      lastResort,
    });
    const pair = { suite, publicBytes: new Uint8Array(publicBytes), privateBytes: new Uint8Array(privateBytes), lastResort };
    published.push({ suite, bytes: pair.publicBytes, lastResort });
    writes.push(await maker.store.put(keyPackages, toBase64Url(reference), pair));
  }
  return { published, writes };
}

/** A few for each suite and the last resort: enough to be reachable at once; refill brings the rest. */
export async function firstPackages(maker: PackageMaker): Promise<MadePackages> {
  const made = await Promise.all(suites.map((suite) => makePackages(maker, suite, 4, true)));
  return { published: made.flatMap(({ published }) => published), writes: made.flatMap(({ writes }) => writes) };
}

/** Publishes until each suite has its target; not while the server is full (it starts again when there is room). */
export async function refill(maker: PackageMaker, connection: Connection): Promise<void> {
  if (!connection.writable) return;
  const { counts } = await connection.call('keyPackage.counts', {});
  for (const suite of suites) {
    let have = counts.find((row) => row.suite === suite)?.count ?? 0;
    if (have >= keyPackagesRefillBelow) continue;
    while (have < keyPackagesTarget) {
      const { published, writes } = await makePackages(maker, suite, batch, false);
      await maker.store.write(writes);
      await connection.call('keyPackage.publish', { keyPackages: [...published] });
      have += batch;
    }
  }
}
