/** A seeded random walk of several people over one real server, and what the walk itself knows of who may read what. */
import type { ConversationId } from '#protocol/ids.ts';
import { LanyingError } from '../../web/engine/api.ts';
import { makeOwner } from '../harness/people.ts';
import { startServer, type TestServer } from '../harness/server.ts';
import { done, Peer } from './peer.ts';

const handles = ['ann', 'ben', 'cat', 'dan', 'eve'] as const;

/** One text that somebody wrote. */
export interface Written {
  readonly text: string;
  readonly conversation: ConversationId;
  readonly by: Peer;
  /** People who certainly were not in the conversation when it was written, and have not been brought in since before it was there. */
  readonly outsiders: Set<Peer>;
  /** Outsiders who came later than it was there: it is not for them for good. */
  readonly never: Set<Peer>;
  /** The engine promised to keep it. */
  promised: boolean;
  acknowledged: boolean;
}

/** Mulberry32: small, and the same everywhere for a seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Walk {
  readonly written: Written[] = [];
  /** What happened, for whoever reads a failure. */
  readonly story: string[] = [];
  /** Certainly outside of a conversation; whoever is not in the set may be in. */
  readonly #out = new Map<ConversationId, Set<Peer>>();
  /** Whose device is switched off. */
  readonly #away = new Set<Peer>();
  readonly #random: () => number;

  private constructor(
    seed: number,
    readonly server: TestServer,
    readonly peers: readonly Peer[],
  ) {
    this.#random = randomOf(seed);
  }

  static async start(seed: number): Promise<Walk> {
    const server = await startServer();
    const owner = await makeOwner(server, 'owner');
    const peers = handles.map((handle) => new Peer(handle, server.origin));
    for (const peer of peers) await peer.born((await owner.createInvite()).link);
    await owner.close();
    await Promise.all(peers.map(({ engine }) => engine.refreshPeople()));
    return new Walk(seed, server, peers);
  }

  async end(): Promise<void> {
    await Promise.all(this.peers.map(({ engine }) => engine.close()));
    await this.server.remove();
  }

  async run(steps: number): Promise<void> {
    await this.#create(this.#pick(this.peers));
    for (let step = 1; step <= steps; step += 1) await this.#step(step);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  #place(peer: Peer): ConversationId | null {
    return peer.active.length === 0 ? null : this.#pick(peer.active).conversationId;
  }

  async #step(step: number): Promise<void> {
    const peer = this.#pick(this.peers);
    const die = this.#random();
    if (this.#away.has(peer)) return this.#back(peer);
    if (die < 0.45) return this.#write(peer, `${step}`);
    if (die < 0.5) return this.#create(peer);
    if (die < 0.62) return this.#add(peer);
    if (die < 0.7) return this.#remove(peer);
    if (die < 0.74) return this.#leave(peer);
    if (die < 0.81) return this.#race(step);
    if (die < 0.85) return this.#goAway(peer);
    if (die < 0.9) return this.#cut(peer);
    if (die < 0.98) return this.#crash(peer, step);
    this.story.push('the server restarts');
    await this.server.restart();
  }

  async #write(peer: Peer, what: string): Promise<void> {
    const conversation = this.#place(peer);
    if (conversation === null) return;
    const text = `${what} by ${peer.handle}`;
    const outsiders = new Set(this.#out.get(conversation) ?? []);
    const message: Written = { text, conversation, by: peer, outsiders, never: new Set(), promised: false, acknowledged: false };
    this.written.push(message);
    this.story.push(`${peer.handle} writes ${text}`);
    const { engine } = peer;
    try {
      const id = await engine.send(conversation, text);
      message.promised = true;
      void done(engine.delivered(conversation, id).then(() => (message.acknowledged = true)));
    } catch (cause) {
      if (!(cause instanceof LanyingError)) throw cause;
    }
  }

  async #create(peer: Peer): Promise<void> {
    const others = this.peers.filter((other) => other !== peer && this.#random() < 0.5);
    this.story.push(`${peer.handle} makes one with ${others.map(({ handle }) => handle).join(', ')}`);
    const made = peer.engine.createConversation({ title: null, members: others.map(({ userId }) => userId) });
    if (await done(made)) this.#out.set(await made, new Set(this.peers.filter((other) => other !== peer && !others.includes(other))));
  }

  async #add(peer: Peer): Promise<void> {
    const conversation = this.#place(peer);
    const view = peer.active.find(({ conversationId }) => conversationId === conversation);
    const absent = this.peers.filter(({ userId }) => view !== undefined && !view.members.includes(userId));
    if (conversation === null || absent.length === 0) return;
    const other = this.#pick(absent);
    // From the attempt on they may be in, whatever the answer; what was there before is not for them.
    for (const message of this.written) {
      if (message.conversation !== conversation || !message.outsiders.delete(other)) continue;
      if (message.acknowledged) message.never.add(other);
    }
    this.#out.get(conversation)?.delete(other);
    const added = await done(peer.engine.addMembers(conversation, [other.userId]));
    this.story.push(`${peer.handle} adds ${other.handle}: ${added}`);
  }

  async #remove(peer: Peer): Promise<void> {
    const view = peer.active.find(({ mayRemove, members }) => mayRemove && members.length > 1);
    if (view === undefined) return;
    const other = this.#pick(this.peers.filter(({ userId }) => userId !== peer.userId && view.members.includes(userId)));
    const removed = await done(peer.engine.removeMember(view.conversationId, other.userId));
    this.story.push(`${peer.handle} removes ${other.handle}: ${removed}`);
    if (removed) this.#out.get(view.conversationId)?.add(other);
  }

  async #leave(peer: Peer): Promise<void> {
    const conversation = this.#place(peer);
    if (conversation === null) return;
    const left = await done(peer.engine.leaveConversation(conversation));
    this.story.push(`${peer.handle} leaves: ${left}`);
    if (left) this.#out.get(conversation)?.add(peer);
  }

  /** Two at the same time: of commits, one wins. */
  async #race(step: number): Promise<void> {
    const here = this.peers.filter((peer) => !this.#away.has(peer));
    const [one, other] = [this.#pick(here), this.#pick(here)];
    await Promise.all([this.#add(one), other === one ? this.#write(one, `${step} racing`) : this.#add(other)]);
  }

  /** Nobody is left to walk when all are away. */
  async #goAway(peer: Peer): Promise<void> {
    if (this.#away.size + 2 > this.peers.length) return;
    this.story.push(`${peer.handle} goes away`);
    this.#away.add(peer);
    await peer.engine.close();
  }

  async #back(peer: Peer): Promise<void> {
    this.story.push(`${peer.handle} is back`);
    this.#away.delete(peer);
    await peer.revive();
  }

  async #cut(peer: Peer): Promise<void> {
    this.story.push(`${peer.handle} is cut off`);
    peer.network.cut();
    await this.#write(peer, `cut ${this.written.length}`);
  }

  /** Dies some batches and frames into something, at the latest when it is done. */
  async #crash(peer: Peer, step: number): Promise<void> {
    const steps = 1 + Math.floor(this.#random() * 8);
    this.story.push(`${peer.handle} dies ${steps} steps into:`);
    peer.device.arm(steps);
    const work = this.#random() < 0.5 ? this.#write(peer, `${step} dying`) : this.#add(peer);
    await Promise.race([peer.device.died, work]);
    const reviving = peer.revive();
    await Promise.all([reviving, work]);
  }
}
