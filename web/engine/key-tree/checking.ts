/**
 * Checks of the key directory ([X5]–[X9]). This device holds every leaf, so that the keys that it uses are looked up here,
 * without asking; each head must be signed by the key of the first sight and continue the one before; heads that peers'
 * devices heard of come inside their messages and must be of the same tree.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { checkpointText, keyIdOf, parseVerifierKey, signedNote } from '#protocol/checkpoint.ts';
import { deviceLeaf, directoryLeafBytes, directorySubject, identityLeaf, parseDirectoryLeaf, revokedLeaf } from '#protocol/directory.ts';
import type { DeviceId, UserId } from '#protocol/ids.ts';
import { directoryLeavesPageMax } from '#protocol/limits.ts';
import { sameHash, verifyConsistency } from '#protocol/merkle.ts';
import type { Person } from '#protocol/model.ts';
import { LanyingError } from '../api.ts';
import type { ToldHead } from '../content/content.ts';
import { verifiedHead } from '../identity/checkpoint.ts';
import { Mutex } from '../mutex.ts';
import { keyTree, keyTreeLeaves, type KeyTreeState } from '../store/records.ts';
import type { KeyTreeParts } from './key-tree.ts';
import { TreeLeaves } from './leaves.ts';

type Fault = NonNullable<KeyTreeState['fault']>;
type Head = Pick<KeyTreeState, 'size' | 'root' | 'signature' | 'verifierKey'>;

/** Heads of peers that are longer than this device's, until it has asked the server again. */
const waitingMax = 32;
/** Far beyond what 500 people make in many years; what a head says is not believed to be longer. */
const leavesMax = 1_000_000;
/** Where the last head that held is kept. */
interface Kept {
  state: KeyTreeState | null;
}

export class Checking {
  readonly #mutex = new Mutex();
  #leaves: TreeLeaves | null = null;
  #waiting: readonly { readonly from: UserId; readonly head: ToldHead }[] = [];
  readonly #agreed = new Set<string>();
  readonly #doubted = new Set<string>();

  constructor(
    readonly parts: KeyTreeParts,
    readonly kept: Kept,
  ) {}

  /** Brings leaves and head up to date: one call when nothing changed. Rejects when the server cannot be asked. */
  refresh(): Promise<void> {
    return this.#mutex.run(() => this.#refresh());
  }

  /** Which of these leaves are not in the tree; the server is asked once when some are not here. */
  async #missing(leaves: readonly Uint8Array[]): Promise<ReadonlySet<Uint8Array>> {
    const here = await this.#mutex.run(() => this.#held());
    if (leaves.every((leaf) => here.has(leaf))) return new Set();
    await this.refresh();
    const now = await this.#mutex.run(() => this.#held());
    return new Set(leaves.filter((leaf) => !now.has(leaf)));
  }

  async unlisted(people: readonly Person[]): Promise<ReadonlySet<UserId>> {
    const leaves = people.map(({ userId, identityKey }) => identityLeaf(sha256, userId, identityKey));
    const missing = await this.#missing(leaves);
    const unlisted = people.filter((_, at) => missing.has(leaves[at] ?? new Uint8Array(0)));
    for (const { userId, identityKey } of unlisted) this.#once(`${userId} ${String.fromCharCode(...identityKey)}`, { kind: 'key_unlisted', userId });
    return new Set(unlisted.map(({ userId }) => userId));
  }

  async lists(userId: UserId, identityKey: Uint8Array, certificate: Uint8Array): Promise<boolean> {
    const missing = await this.#missing([identityLeaf(sha256, userId, identityKey), deviceLeaf(sha256, userId, certificate)]);
    return missing.size === 0;
  }

  async revoked(userId: UserId, deviceId: DeviceId): Promise<boolean> {
    const here = await this.#mutex.run(() => this.#held());
    return here.has(revokedLeaf(sha256, userId, deviceId));
  }

  #once(name: string, notice: { readonly kind: 'key_unlisted' | 'directory_peer'; readonly userId: UserId }): void {
    if (!this.#doubted.has(name)) this.parts.listener.onNotice({ ...notice, at: this.parts.runtime.now(), conversationId: null });
    this.#doubted.add(name);
  }

  /** [X7] A head inside a message of somebody else's. Rejects only when the server had to be asked and could not be. */
  async heard(from: UserId, head: ToldHead): Promise<void> {
    const name = `${head.size} ${String.fromCharCode(...head.root)}`;
    if (this.#agreed.has(name)) return;
    await this.#mutex.run(async () => {
      if ((await this.#judge(from, head)) !== 'later') return;
      this.#waiting = [...this.#waiting, { from, head }].slice(-waitingMax);
      await this.#refresh();
    });
  }

  /** The person looked into it and goes on with what the server shows now: as at the first sight. */
  decide(): Promise<void> {
    return this.#mutex.run(async () => {
      if ((this.kept.state?.fault ?? null) === null) return;
      await this.parts.store.write([this.parts.store.remove(keyTree, ''), { deletePrefix: keyTreeLeaves.prefix }]);
      this.kept.state = null;
      this.#leaves = new TreeLeaves();
      this.#waiting = [];
      this.#agreed.clear();
      this.#doubted.clear();
      this.parts.listener.onChange();
      await this.#refresh();
    });
  }

  async #held(): Promise<TreeLeaves> {
    return (this.#leaves ??= await TreeLeaves.load(this.parts.store));
  }

  async #refresh(): Promise<void> {
    if (this.kept.state !== null && this.kept.state.fault !== null) return;
    const fault = await this.#look();
    if (fault !== null) return this.#contradicted(fault, false, null);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { from, head } of waiting) {
      // Signed before it was told, and the server still has less: it went back, or shows this device another tree.
      if ((await this.#judge(from, head)) === 'later') await this.#contradicted('cut', false, from);
    }
  }

  /** Null when all is well; `forked` is told where it was found, because it may be proven. */
  async #look(): Promise<Fault['kind'] | null> {
    const kept = this.kept.state;
    const since = kept?.size ?? 0;
    const asked = await this.#ask(since);
    if (asked === null) return 'cut';
    if (kept !== null && asked.verifierKey !== kept.verifierKey) return 'key_changed';
    const head = await verifiedHead(asked.checkpoint, asked.verifierKey);
    if (head === null || head.size > leavesMax) return 'unsigned';
    const now: Head = { size: head.size, root: head.root, signature: head.signature, verifierKey: asked.verifierKey };
    if (kept !== null && kept.size === now.size && sameHash(kept.root, now.root)) return null;
    const leaves = await this.#held();
    const proof = { first: since, second: now.size, firstRoot: leaves.root, secondRoot: now.root, proof: asked.consistency };
    const continued = leaves.size === since && verifyConsistency(sha256, proof) ? leaves.with(await this.#fetch(since, now.size)) : null;
    if (continued === null || continued.size !== now.size || !sameHash(continued.root, now.root)) return this.#forked(now);
    await this.parts.store.write([
      await this.parts.store.put(keyTree, '', { ...now, fault: null }),
      ...(await continued.writes(this.parts.store, since)),
    ]);
    this.kept.state = { ...now, fault: null };
    this.#leaves = continued;
    this.#own(continued.from(since));
    return null;
  }

  async #ask(since: number) {
    try {
      return await this.parts.connection.call('directory.head', { since });
    } catch (cause) {
      if (cause instanceof LanyingError && cause.code === 'directory.ahead') return null;
      throw cause;
    }
  }

  async #fetch(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array((to - from) * directoryLeafBytes);
    for (let at = from; at < to; ) {
      const { leaves } = await this.parts.connection.call('directory.leaves', { from: at, limit: Math.min(directoryLeavesPageMax, to - at) });
      const count = Math.floor(leaves.length / directoryLeafBytes);
      if (count === 0 || count > to - at) return whole.slice(0, (at - from) * directoryLeafBytes);
      whole.set(leaves.subarray(0, count * directoryLeafBytes), (at - from) * directoryLeafBytes);
      at += count;
    }
    return whole;
  }

  /** A signed head that does not continue the kept one. Proven when the leaves that it is of show another root where this device has a signed one. */
  async #forked(now: Head): Promise<Fault['kind'] | null> {
    const kept = this.kept.state;
    if (kept === null) return 'unsigned';
    const theirs = TreeLeaves.of([await this.#fetch(0, now.size)]);
    const whole = theirs.size === now.size && sameHash(theirs.root, now.root);
    const then = theirs.rootAt(kept.size);
    const proven = (kept.size === now.size || whole) && then !== null && !sameHash(then, kept.root);
    await this.#contradicted('forked', proven || kept.size === now.size, null);
    return null;
  }

  /** Against what is held: `later` when it is of a longer tree. */
  async #judge(from: UserId, head: ToldHead): Promise<'same' | 'later' | 'told'> {
    const state = this.kept.state;
    if (state === null) return 'later';
    if (!(await this.#isSigned(head, state))) {
      // Another key, or nonsense: only the peer's word.
      this.#once(from, { kind: 'directory_peer', userId: from });
      return 'told';
    }
    const root = (await this.#held()).rootAt(head.size);
    if (root === null) return 'later';
    if (!sameHash(root, head.root)) {
      await this.#contradicted('forked', true, from);
      return 'told';
    }
    this.#agreed.add(`${head.size} ${String.fromCharCode(...head.root)}`);
    return 'same';
  }

  async #isSigned({ size, root, signature }: ToldHead, { verifierKey }: Head): Promise<boolean> {
    const key = parseVerifierKey(sha256, verifierKey);
    if (key === null) return false;
    const text = checkpointText({ origin: key.name, size, root });
    const note = signedNote(text, key.name, keyIdOf(sha256, key.name, key.publicKey), signature);
    return (await verifiedHead(note, verifierKey)) !== null;
  }

  /** Stays across restarts until somebody decides. */
  async #contradicted(kind: Fault['kind'], proven: boolean, from: UserId | null): Promise<void> {
    const state = this.kept.state;
    if (state?.fault?.proven === true || (state !== null && state.fault !== null && !proven)) return;
    const at = this.parts.runtime.now();
    this.parts.listener.onNotice({ kind: 'directory_contradicted', at, conversationId: null, reason: kind });
    // Nothing was ever seen that held: there is nothing to contradict, and the next connection looks again.
    if (state === null) return;
    this.kept.state = { ...state, fault: { kind, proven, at, from } };
    await this.parts.store.write([await this.parts.store.put(keyTree, '', this.kept.state)]);
    this.parts.listener.onChange();
  }

  /** [X9] An identity key that somebody entered for this person. */
  #own(leaves: readonly Uint8Array[]): void {
    const mine = identityLeaf(sha256, this.parts.me.userId, this.parts.me.identityKey);
    const subject = directorySubject(sha256, this.parts.me.userId);
    const strange = leaves.some((bytes) => {
      const leaf = parseDirectoryLeaf(bytes);
      return leaf?.kind === 'identity' && sameHash(leaf.subject, subject) && !sameHash(bytes, mine);
    });
    if (strange) this.parts.listener.onNotice({ kind: 'identity_entered', at: this.parts.runtime.now(), userId: this.parts.me.userId, conversationId: null });
  }
}
