/** Taking accounts away, and what is left of them. Everything deleted here is proven gone (proof.ts). */
import { revokedLeaf } from '#protocol/directory.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { withoutMember } from '#protocol/sign-in-policy.ts';
import type { Acts } from '../../ports/audit-store.ts';
import type { GonePerson, PeopleStore } from '../../ports/people-store.ts';
import type { Pause } from '../../ports/retention-store.ts';
import { type AccountRecord, type SessionRecord, StoreFailure } from '../../ports/store.ts';
import { joinBytes } from '../bytes.ts';
import { type Access, aloneKey } from './access.ts';
import type { LevelAccounts } from './accounts.ts';
import { directoryOperations } from './directory.ts';
import { erasing, foundIn, foundOf } from './erased-records.ts';
import type { Operation } from './group-writer.ts';
import { sha256 } from './merkle-records.ts';
import type { LevelSessions } from './sessions.ts';
import { type Records, under } from './table.ts';

const stepRecords = 64;
const welcomesStep = 16;

export class LevelPeople implements PeopleStore {
  readonly #access: Access;
  readonly #accounts: LevelAccounts;
  readonly #sessions: LevelSessions;

  constructor(access: Access, accounts: LevelAccounts, sessions: LevelSessions) {
    this.#access = access;
    this.#accounts = accounts;
    this.#sessions = sessions;
  }

  take(
    userId: UserId,
    as: Pick<GonePerson, 'goneAt' | 'reason'> & { readonly state: 'closing' | 'erasing' },
    acts: Acts,
  ): Promise<'taken' | 'again' | 'unknown'> {
    const { mutex } = this.#access;
    const alone = <T>(work: () => Promise<T>): Promise<T> => mutex.run('directory', () => mutex.run(`account ${userId}`, () => mutex.run('sign-in policy', work)));
    return alone(async () => {
      const { tables, keys, audit } = this.#access;
      const place = keys.pseudonym('user', userId);
      const before = await tables.gone.get(place);
      if (before !== null) {
        if (as.state === 'closing' || before.state === 'erasing' || before.state === 'erased') return 'unknown';
        const { state, reason } = as;
        await audit.submit([tables.gone.put(place, { ...before, state, reason })], acts);
        return 'again';
      }
      const account = await tables.accounts.get(place);
      if (account === null || (await tables.owner.get(aloneKey))?.userId === userId) return 'unknown';
      const devices = (await tables.devices.get(place)) ?? [];
      const gone = { ...as, userId, devices: devices.map(({ deviceId }) => deviceId), records: 0, bytes: 0 };
      const revoked = devices.map(({ deviceId }) => revokedLeaf(sha256, userId, deviceId));
      const leaves = await directoryOperations(this.#access, revoked);
      await audit.submit([tables.gone.put(place, gone), ...(await this.#profile(account)), ...leaves], acts);
      this.#accounts.forget(account.handle);
      return 'taken';
    });
  }

  async gone(userId: UserId): Promise<GonePerson | null> {
    return this.#access.tables.gone.get(this.#access.keys.pseudonym('user', userId));
  }

  async list(after: UserId | null, limit: number): Promise<readonly GonePerson[]> {
    const { tables, keys } = this.#access;
    const all = under(new Uint8Array(0));
    const gte = after === null ? all.gte : joinBytes(keys.pseudonym('user', after), Uint8Array.of(0));
    return (await tables.gone.list({ ...all, gte, limit })).map(({ value }) => value);
  }

  endSessions(userId: UserId): Promise<readonly SessionRecord[]> {
    return this.#sessions.endEvery(userId);
  }

  async erase(userId: UserId, pause: Pause): Promise<GonePerson> {
    const gone = await this.gone(userId);
    if (gone === null) throw new StoreFailure('the account was not taken away');
    await this.#sessions.endEvery(userId);
    for (const deviceId of gone.devices) await this.#eraseDevice(userId, deviceId, pause);
    if (gone.state === 'erasing' || gone.state === 'erased') await this.#eraseVault(userId, pause);
    return (await this.gone(userId)) ?? gone;
  }

  /** Handles may be taken by somebody else; everything else of a person is never written again. */
  async #profile({ userId, handle, passkeys }: AccountRecord): Promise<readonly Operation[]> {
    const { tables, keys } = this.#access;
    const place = keys.pseudonym('user', userId);
    const of = async (records: Records, found: readonly Uint8Array[], places: 'never again' | 'taken again') =>
      erasing(this.#access, records, await foundOf(records, found), places);
    const credentials = passkeys.map(({ credentialId }) => keys.pseudonym('credential', credentialId));
    const read = await tables.readMarks.keys(under(place));
    const invites = (await tables.invites.list(under(new Uint8Array(0)))).filter(
      ({ value }) => value.createdBy === userId || value.usedBy === userId,
    );
    const policy = await tables.signInPolicy.get(aloneKey);
    const left = policy === null ? null : withoutMember(policy.policy, userId);
    const ungrouped =
      policy === null || left === null || left === policy.policy
        ? []
        : [...(await of(tables.signInPolicy.sealed, [aloneKey], 'taken again')), tables.signInPolicy.put(aloneKey, { ...policy, policy: left })];
    return [
      ...ungrouped,
      ...(await of(tables.accounts.sealed, [place], 'never again')),
      ...(await of(tables.devices.sealed, [place], 'never again')),
      ...(await of(tables.revocations.sealed, [place], 'never again')),
      ...(await of(tables.handles.sealed, [keys.pseudonym('handle', handle)], 'taken again')),
      ...(await of(tables.credentials.sealed, credentials, 'taken again')),
      ...(await of(tables.readMarks.sealed, read, 'never again')),
      // Written anew and the old places compacted: what they were labelled with named a person. And nobody is let in by
      // whoever is out.
      ...(await of(
        tables.invites.sealed,
        invites.map(({ key }) => key),
        'taken again',
      )),
      ...invites.map(({ key, value }) =>
        tables.invites.put(key, {
          ...value,
          label: undefined,
          state: value.state === 'open' ? 'revoked' : value.state,
        }),
      ),
    ];
  }

  /** Who owns a device stays known, so that its id is never registered again ([D2]). */
  async #eraseDevice(userId: UserId, deviceId: DeviceId, pause: Pause): Promise<void> {
    const { tables, keys, mutex } = this.#access;
    const device = keys.pseudonym('device', deviceId);
    for (const { sealed } of [tables.keyPackages, tables.lastResorts, tables.packagesSeen, tables.deviceUse])
      await this.#eraseRange(userId, sealed, device, 'packages', pause);
    const some = (): Promise<boolean> => mutex.run('mail', () => this.#eraseMail(userId, deviceId));
    while (await some()) await pause();
  }

  /** Others may wait for the same bytes, which go with the last of them. True: there may be more. */
  async #eraseMail(userId: UserId, deviceId: DeviceId): Promise<boolean> {
    const { tables, keys } = this.#access;
    const device = keys.pseudonym('device', deviceId);
    const mail = await tables.mail.list({ ...under(device), limit: welcomesStep });
    const waiting: Uint8Array[] = [];
    const blobs: Uint8Array[] = [];
    for (const { value } of mail) {
      waiting.push(joinBytes(value.blob, device));
      if ((await tables.mailWaiting.keys({ ...under(value.blob), limit: 2 })).length === 1) blobs.push(value.blob);
    }
    const letters = await foundOf(
      tables.mail.sealed,
      mail.map(({ key }) => key),
    );
    const bytes = await foundOf(tables.mailBytes.sealed, blobs);
    const operations = [
      ...erasing(this.#access, tables.mail.sealed, letters),
      ...erasing(this.#access, tables.mailWaiting.sealed, await foundOf(tables.mailWaiting.sealed, waiting)),
      ...erasing(this.#access, tables.mailBytes.sealed, bytes),
    ];
    await this.#step(userId, letters.length, operations, [...letters, ...bytes]);
    return mail.length === welcomesStep;
  }

  async #eraseVault(userId: UserId, pause: Pause): Promise<void> {
    const { tables, keys } = this.#access;
    const place = keys.pseudonym('user', userId);
    for (const { sealed } of [tables.vaults, tables.archive, tables.vaultItems])
      await this.#eraseRange(userId, sealed, place, `vault ${userId}`, pause);
  }

  /** `lock` is held for a step and not over the pauses: of `packages` there is one for everybody. */
  async #eraseRange(userId: UserId, records: Records, prefix: Uint8Array, lock: string, pause: Pause): Promise<void> {
    const step = async (): Promise<boolean> => {
      const found = await foundIn(records, under(prefix), stepRecords);
      await this.#step(userId, found.length, erasing(this.#access, records, found), found);
      return found.length === stepRecords;
    };
    for (let more = true; more;) {
      more = await this.#access.mutex.run(lock, step);
      await pause();
    }
  }

  async #step(
    userId: UserId,
    count: number,
    operations: readonly Operation[],
    found: readonly { readonly value: Uint8Array }[],
  ): Promise<void> {
    if (count === 0) return;
    const { tables, keys, writer } = this.#access;
    const place = keys.pseudonym('user', userId);
    const gone = await tables.gone.get(place);
    if (gone === null) throw new StoreFailure('the account was not taken away');
    const bytes = gone.bytes + found.reduce((sum, { value }) => sum + value.length, 0);
    await writer.submit([...operations, tables.gone.put(place, { ...gone, records: gone.records + count, bytes })]);
  }
}
