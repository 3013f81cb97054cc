/** One person of the simulation with one device, which may be cut off or die and come back from what was on its disk. */
import * as v from 'valibot';
import { parseCertificate } from '#protocol/certificate.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';
import { type ConversationView, LanyingError, type SecurityNotice } from '../../web/engine/api.ts';
import { deserialize, epoch, members } from '../../web/engine/mls/index.ts';
import { after, conversations, epochs, messages, type MessageState, padded } from '../../web/engine/store/records.ts';
import { SealedStore } from '../../web/engine/store/sealed-store.ts';
import { MemoryProfile } from '../../web/platform/node/memory-store.ts';
import { nodeNetwork } from '../../web/platform/node/network.ts';
import type { HeadlessEngine } from '../../web/sdk/engine.ts';
import { CrashingDevice } from '../harness/crashing-device.ts';
import { engineOver, idOf, join, reading } from '../harness/devices.ts';
import { LyingNetwork } from '../harness/lying-network.ts';

const ServerView = v.object({ conversationId: v.string(), epoch: v.number(), joinedSequence: v.number(), members: v.array(v.object({ userId: v.string(), leaving: v.boolean() })) });
export type ServerView = v.InferOutput<typeof ServerView>;

/** True when it was done, false when it was refused or lost its connection. */
export async function done(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (cause) {
    if (cause instanceof LanyingError) return false;
    throw cause;
  }
}

export class Peer {
  readonly profile = new MemoryProfile();
  readonly network: LyingNetwork;
  readonly notices = new Set<SecurityNotice>();
  /** Texts that became part of its log, in all of its lives. */
  readonly heard = new Set<string>();
  #device: CrashingDevice;
  #engine: HeadlessEngine | null = null;
  #userId: UserId | null = null;

  constructor(
    readonly handle: string,
    readonly origin: string,
  ) {
    this.network = new LyingNetwork(nodeNetwork(origin));
    this.#device = new CrashingDevice(this.profile, this.network);
  }

  get engine(): HeadlessEngine {
    if (this.#engine === null) throw new Error(`${this.handle} has no engine`);
    return this.#engine;
  }
  get userId(): UserId {
    if (this.#userId === null) throw new Error(`${this.handle} is nobody yet`);
    return this.#userId;
  }
  get device(): CrashingDevice {
    return this.#device;
  }

  async born(link: string): Promise<void> {
    await this.#live();
    await join(this.engine, this.handle, link);
    this.#userId = idOf(this.engine, this.handle);
  }

  async #live(): Promise<void> {
    const engine = await engineOver(this.#device.network, this.#device.store);
    engine.onSnapshot(({ notices }) => {
      for (const notice of notices) this.notices.add(notice);
    });
    engine.onText((_id, { text }) => this.heard.add(text));
    this.#engine = engine;
  }

  /** Ends this life, at whatever point it is, and begins the next one; caught up when it resolves. */
  async revive(): Promise<void> {
    await this.engine.close();
    this.#device = new CrashingDevice(this.profile, this.network);
    await this.#live();
    await this.engine.synced();
  }

  get active(): readonly ConversationView[] {
    return this.engine.snapshot().conversations.filter(({ active }) => active).toSorted((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
  }

  /** What the server says to this person of their conversations. */
  async served(): Promise<readonly ServerView[]> {
    const { status, body } = await this.network.post('conversation.list', {});
    if (status !== 200) throw new Error(`conversation.list: ${status}`);
    return v.parse(v.object({ conversations: v.array(ServerView), more: v.literal(false) }), body).conversations;
  }

  /** Epoch and people of its ratchet tree. */
  async tree(id: ConversationId): Promise<{ readonly epoch: number; readonly people: readonly string[] }> {
    const state = await (await this.#disk()).get(conversations, id);
    if (state === null) throw new Error(`${this.handle} does not know the conversation`);
    const group = deserialize(state.group);
    return { epoch: epoch(group), people: this.#people(members(group).map(({ credential }) => credential)) };
  }

  /** Who could read what was sealed in an epoch, as this device knew it; null when it never was in it. */
  async readers(id: ConversationId, inEpoch: number): Promise<readonly string[] | null> {
    const state = await (await this.#disk()).get(epochs, `${id}/${padded(inEpoch)}`);
    return state === null ? null : this.#people(state.roster.map(({ certificate }) => certificate));
  }

  /** Its whole local log, oldest first. */
  async log(id: ConversationId): Promise<readonly MessageState[]> {
    return (await (await this.#disk()).range(messages, `${id}/`, after(`${id}/`), 100_000)).map(({ value }) => value);
  }

  async known(): Promise<readonly ConversationId[]> {
    return (await (await this.#disk()).range(conversations, '', after(''), 1_000)).map(({ value }) => value.conversationId);
  }

  #disk(): Promise<SealedStore> {
    return SealedStore.open(reading(this.profile));
  }

  #people(certificates: readonly Uint8Array[]): readonly string[] {
    return [...new Set(certificates.map((certificate) => parseCertificate(certificate)?.userId ?? 'nobody'))].toSorted();
  }
}
