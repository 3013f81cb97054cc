/** The router over the model store, with real MLS devices in front of it. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { encodeCertificateBody, joinCertificate, signedBytes } from '#protocol/certificate.ts';
import type { CommandName, Input, Output } from '#protocol/commands/index.ts';
import { buildSealed } from '#protocol/envelope.ts';
import type { Result } from '#protocol/errors.ts';
import { bytesOfId, type ConversationId, type DeviceId, idFromBytes, type MessageId, type SessionId, type UnlockerId, type UserId } from '#protocol/ids.ts';
import type { NewCommit, NewMessage, Suite } from '#protocol/model.ts';
import { InProcessBus } from '../../../server/bus/in-process.ts';
import { type CallContext, createRouter, createServices, type Effect, type Services } from '../../../server/commands/router.ts';
import type { Happening } from '../../../server/ports/event-bus.ts';
import type { SessionRecord } from '../../../server/ports/store.ts';
import { openMemoryStore } from '../../../server/storage/memory/store.ts';
import { commit, createGroup, type GroupState, groupInfo, joinByExternalCommit, joinByWelcome, makeKeyPackage, type MadeKeyPackage } from '../../../web/engine/mls/index.ts';
import { FakeRuntime } from '../../harness/runtime.ts';
import { fileBounds } from '../../harness/server.ts';
import { testScribe } from '../../harness/scribe.ts';

export const setupToken = 'setup-token-for-tests-0123456789';
export const password = 'correct horse battery staple';
export const origin = 'http://localhost:8080';
export const suite: Suite = 1;
const dayMs = 24 * 3_600_000;

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

interface Keys {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly secret: KeyObject;
}
function makeKeys(): Keys {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: own(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)), secret: privateKey };
}

export class World {
  readonly store = openMemoryStore();
  readonly happenings: Happening[] = [];
  readonly services: Services;
  readonly router;

  constructor(readonly runtime = new FakeRuntime()) {
    const bus = new InProcessBus((cause) => {
      throw cause;
    });
    bus.subscribe((happening) => this.happenings.push(happening));
    const config = { serverName: 'lanying', version: '0', origin, setupToken, sessionKey: new Uint8Array(32).fill(7), files: fileBounds };
    this.services = createServices({ store: this.store, bus, runtime: this.runtime, config });
    this.router = createRouter(this.services);
  }

  get scribe() {
    return testScribe(this.runtime);
  }

  id<T extends UserId | DeviceId | ConversationId | MessageId | UnlockerId | SessionId>(): T {
    return idFromBytes<T>(this.runtime.random(16));
  }

  async call<N extends CommandName>(name: N, input: unknown, context: Partial<CallContext> = {}): Promise<{ readonly result: Result<Output<N>>; readonly effect?: Effect }> {
    return this.router.call(name, input, { session: null, address: '192.0.2.1', ...context });
  }

  async person(handle: string, grant: Input<'account.create'>['grant']): Promise<Peer> {
    const peer = await this.stranger(handle);
    peer.signedIn(await this.call('account.create', peer.accountInput(grant)));
    peer.session = await this.sessionOf(peer.sessionId);
    return peer;
  }

  async sessionOf(sessionId: SessionId): Promise<SessionRecord> {
    return value(await this.services.sessions.byId(sessionId));
  }

  /** One more device of a person, by password and certificate. */
  async secondDevice(first: Peer): Promise<Peer> {
    const second = new Peer(this, first.handle, first.userId, first.identity);
    await second.makeKeyPackages(1);
    second.signedIn(await this.call('signIn.password', { handle: first.handle, password }));
    second.session = await this.sessionOf(second.sessionId);
    second.signedIn(await second.call('device.register', { device: second.newDevice, keyPackages: second.offered }));
    second.session = await this.sessionOf(second.sessionId);
    return second;
  }

  async owner(): Promise<Peer> {
    return this.person('owner', { kind: 'setup', token: setupToken });
  }

  async invited(by: Peer, handle: string): Promise<Peer> {
    const { token } = okay(await by.call('invite.create', {}));
    return this.person(handle, { kind: 'invite', token });
  }

  /** With keys, a certificate and key packages, but no account yet. */
  async stranger(handle: string): Promise<Peer> {
    const peer = new Peer(this, handle, this.id<UserId>(), makeKeys());
    await peer.makeKeyPackages(3);
    return peer;
  }
}

export function value<T>(found: T | null | undefined): T {
  if (found === null || found === undefined) throw new Error('expected a value');
  return found;
}

export function okay<T>({ result }: { readonly result: Result<T> }): T {
  if (!result.ok) throw new Error(`${result.code} ${JSON.stringify(result.detail ?? {})}`);
  return result.value;
}

export const codeOf = ({ result }: { readonly result: Result<unknown> }): string => (result.ok ? 'ok' : result.code);
export const reasonOf = ({ result }: { readonly result: Result<unknown> }): string | undefined => (result.ok ? undefined : result.detail?.reason);

/** One person on one device. */
export class Peer {
  readonly deviceId: DeviceId;
  readonly deviceKeys = makeKeys();
  keyPackages: MadeKeyPackage[] = [];
  session: SessionRecord | null = null;
  sessionId: SessionId;

  constructor(
    readonly world: World,
    readonly handle: string,
    readonly userId: UserId,
    readonly identity: Keys,
  ) {
    this.deviceId = world.id<DeviceId>();
    this.sessionId = world.id<SessionId>();
  }

  get signer() {
    return { publicKey: this.deviceKeys.publicKey, sign: async (data: Uint8Array) => own(sign(null, data, this.deviceKeys.secret)) };
  }

  certificate(changes: Partial<Parameters<typeof encodeCertificateBody>[0]> = {}): Uint8Array<ArrayBuffer> {
    const now = this.world.runtime.now();
    const body = encodeCertificateBody({
      userId: this.userId, deviceId: this.deviceId, deviceKey: this.deviceKeys.publicKey, identityKey: this.identity.publicKey,
      issuedAt: Math.floor(now / dayMs) * dayMs, expiresAt: Math.floor(now / dayMs) * dayMs + 365 * dayMs, ...changes,
    });
    return joinCertificate(body, sign(null, signedBytes(body), this.identity.secret));
  }

  async makeKeyPackages(count: number): Promise<void> {
    const notBefore = Math.floor(this.world.runtime.now() / 1000) - 3600;
    const lifetime = { notBefore, notAfter: notBefore + 90 * 24 * 3600 };
    for (let made = 0; made < count; made += 1) {
      this.keyPackages.push(await makeKeyPackage({ suite, credential: this.certificate(), signer: this.signer, lifetime }));
    }
  }

  get offered() {
    return this.keyPackages.map(({ publicBytes }) => ({ suite, bytes: own(publicBytes), lastResort: false }));
  }

  get newDevice() {
    return { deviceId: this.deviceId, certificate: this.certificate(), label: 'Test' };
  }

  accountInput(grant: Input<'account.create'>['grant']): Input<'account.create'> {
    return {
      grant, userId: this.userId, handle: this.handle, displayName: this.handle, factor: { kind: 'password', password },
      identityKey: this.identity.publicKey, device: this.newDevice, keyPackages: this.offered,
      vault: {
        sealed: new Uint8Array([1]),
        unlockers: [1, 2].map((wrapped) => ({ unlockerId: this.world.id<UnlockerId>(), kind: 'recovery-code', credentialId: '', wrapped: new Uint8Array([wrapped]) })),
      },
    };
  }

  /** The same keys, for another person's id. */
  as(userId: UserId): Peer {
    return new Peer(this.world, this.handle, userId, this.identity);
  }

  anewInput(): Input<'account.startAnew'> {
    const { identityKey, device, vault } = this.accountInput({ kind: 'setup', token: setupToken });
    return { identityKey, device, keyPackages: [], vault };
  }

  signedIn(reply: { readonly result: Result<Output<'session.get'>> }): void {
    this.sessionId = okay(reply).sessionId;
  }

  call<N extends CommandName>(name: N, input: unknown, context: Partial<CallContext> = {}) {
    return this.world.call(name, input, { session: this.session, ...context });
  }

  get context() {
    return {
      signer: this.signer, nowSeconds: Math.floor(this.world.runtime.now() / 1000),
      checkCredential: async () => true, sameDevice: () => true,
    };
  }

  async group(conversationId: ConversationId): Promise<GroupState> {
    return createGroup({ groupId: bytesOfId(conversationId), suite, credential: this.certificate(), signer: this.signer });
  }

  async groupInfo(state: GroupState): Promise<Uint8Array<ArrayBuffer>> {
    return own(await groupInfo(state, this.signer));
  }

  async commit(state: GroupState, epoch: number, changes: { readonly add?: readonly Uint8Array[]; readonly remove?: readonly number[] }): Promise<{ readonly next: GroupState; readonly sent: NewCommit }> {
    const made = await commit(state, changes, this.context);
    const welcome = made.welcome === null ? null : own(made.welcome);
    return { next: made.next, sent: { id: this.world.id<MessageId>(), epoch, commit: own(made.commit), welcome, groupInfo: own(made.groupInfo), follow: [] } };
  }

  message(epoch: number, seen: { readonly sequence: number; readonly hash: Uint8Array<ArrayBuffer> }, text = 'sealed'): NewMessage {
    const ciphertext = new Uint8Array(Buffer.from(`${text} and a tag of sixteen bytes`));
    const body = buildSealed({ nonce: this.world.runtime.random(12), seenSequence: seen.sequence, seenHash: seen.hash, ciphertext });
    return { id: this.world.id<MessageId>(), epoch, body };
  }
}

/** A conversation of the owner with others, who were added by its first commit. */
export async function talk(world: World, owner: Peer, others: readonly Peer[]): Promise<{ readonly conversationId: ConversationId; readonly state: GroupState }> {
  const conversationId = world.id<ConversationId>();
  const start = await owner.group(conversationId);
  const { keyPackages } = okay(await owner.call('keyPackage.claim', { userIds: others.map((peer) => peer.userId), suite, except: [] }));
  const { next, sent } = await owner.commit(start, 0, { add: keyPackages.map(({ bytes }) => bytes) });
  okay(await owner.call('conversation.create', { conversationId, suite, groupInfo: await owner.groupInfo(start), commit: sent }));
  return { conversationId, state: next };
}

/** The group of a newcomer, by the welcome in their mailbox. */
export async function joined(peer: Peer, conversationId: ConversationId): Promise<GroupState> {
  const { welcomes } = okay(await peer.call('welcome.list', {}));
  const { bytes } = value(welcomes.find((welcome) => welcome.conversationId === conversationId));
  // Packages are claimed in the order in which they were published.
  return joinByWelcome(bytes, value(peer.keyPackages[0]), peer.context);
}

/** A commit that lets this peer's device in by itself, or in place of `resyncLeaf`. */
export async function externalCommit(peer: Peer, groupInfoBytes: Uint8Array, epoch: number, resyncLeaf?: number): Promise<NewCommit> {
  const entering = { credential: peer.certificate(), ...(resyncLeaf === undefined ? {} : { resyncLeaf }) };
  const made = await joinByExternalCommit(groupInfoBytes, entering, peer.context);
  return { id: peer.world.id<MessageId>(), epoch, commit: new Uint8Array(made.commit), welcome: null, groupInfo: new Uint8Array(made.groupInfo), follow: [] };
}

export async function headOf(peer: Peer, conversationId: ConversationId): Promise<{ readonly sequence: number; readonly hash: Uint8Array<ArrayBuffer> }> {
  const { conversation } = okay(await peer.call('conversation.get', { conversationId }));
  return { sequence: conversation.headSequence, hash: conversation.headHash };
}
