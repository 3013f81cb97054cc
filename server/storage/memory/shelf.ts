/** What the parts of the model adapter share. Everything goes in and out as a copy: nobody changes what is stored. */
import type { SignInPolicyRecord } from '../../ports/policy-store.ts';
import type { Device, NewKeyPackage, Suite, Vault, Welcome } from '#protocol/model.ts';
import type { ErasedOther } from '#protocol/retention.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { GonePerson } from '../../ports/people-store.ts';
import type { AccountRecord, InviteRecord, SessionRecord } from '../../ports/store.ts';
import { toBase64Url, type UserId } from '#protocol/ids.ts';

interface PackageShelf {
  /** Oldest first. */
  readonly oneTime: Map<Suite, Uint8Array<ArrayBuffer>[]>;
  readonly lastResort: Map<Suite, Uint8Array<ArrayBuffer>>;
  readonly seen: Set<string>;
}

export interface ArchiveItem {
  readonly epoch: number;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

export class Shelf {
  readonly accounts = new Map<string, AccountRecord>();
  readonly sessions = new Map<string, SessionRecord>();
  readonly invites = new Map<string, InviteRecord>();
  readonly devices = new Map<string, Device>();
  readonly vaults = new Map<string, Vault>();
  /** Device id → what waits for it, oldest first. */
  readonly mail = new Map<string, Welcome[]>();
  /** User id and conversation id → epoch → item. */
  readonly archive = new Map<string, Map<number, ArchiveItem>>();
  /** User id and name → item. */
  readonly items = new Map<string, { readonly version: number; readonly sealed: Uint8Array<ArrayBuffer> }>();
  readonly gone = new Map<string, GonePerson>();
  /** User id → revocations, oldest first. */
  readonly revocations = new Map<string, readonly Uint8Array<ArrayBuffer>[]>();
  readonly deviceUse = new Map<string, number>();
  /** Class and conversation → what went and has no receipt yet. */
  readonly unsettled = new Map<string, ErasedOther>();
  /** Ids of devices that were taken away. */
  readonly takenDevices = new Set<string>();
  /** Set by the first account for good. */
  owner: UserId | null = null;
  signInPolicy: SignInPolicyRecord | null = null;
  readonly #packages = new Map<string, PackageShelf>();
  readonly #assertOpen: () => void;
  /** Records acts in the same step as what they changed. */
  readonly audit: (acts: Acts) => void;
  /** Appends to the key directory in the same step as what the leaves record. */
  readonly record: (leaves: readonly Uint8Array<ArrayBuffer>[]) => void;

  constructor(assertOpen: () => void, audit: Shelf['audit'], record: Shelf['record']) {
    this.#assertOpen = assertOpen;
    this.audit = audit;
    this.record = record;
  }

  /** Every write begins here. Throws StoreFailure once closed. */
  writing(): void {
    this.#assertOpen();
  }

  count(more: ErasedOther): void {
    if (more.count === 0) return;
    const place = `${more.class} ${more.conversationId ?? ''}`;
    const { count = 0, bytes = 0, before = 0 } = this.unsettled.get(place) ?? {};
    const sum = { count: more.count + count, bytes: more.bytes + bytes, before: Math.max(more.before, before) };
    this.unsettled.set(place, { ...more, ...sum });
  }

  packagesOf(deviceId: string): PackageShelf {
    const there = this.#packages.get(deviceId) ?? { oneTime: new Map(), lastResort: new Map(), seen: new Set() };
    this.#packages.set(deviceId, there);
    return there;
  }

  /** How many there were. */
  dropPackages(deviceId: string): number {
    const there = this.#packages.get(deviceId);
    this.#packages.delete(deviceId);
    return [...(there?.oneTime.values() ?? [])].flat().length + (there?.lastResort.size ?? 0) + (there?.seen.size ?? 0);
  }

  addPackages(deviceId: string, keyPackages: readonly NewKeyPackage[]): void {
    const packages = this.packagesOf(deviceId);
    for (const { suite, bytes, lastResort } of keyPackages) {
      const name = toBase64Url(bytes);
      if (lastResort) packages.lastResort.set(suite, copy(bytes));
      else if (!packages.seen.has(name)) {
        packages.seen.add(name);
        packages.oneTime.set(suite, [...(packages.oneTime.get(suite) ?? []), copy(bytes)]);
      }
    }
  }
}

export const copy = <T>(value: T): T => structuredClone(value);
export const copyOrNull = <T>(value: T | undefined): T | null => (value === undefined ? null : copy(value));
