/** A client of the bare protocol, without an engine: for benches and for tests that must say things an engine never would. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import nacl from 'tweetnacl';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { encodeCertificateBody, joinCertificate, signedBytes } from '#protocol/certificate.ts';
import { decodeServerFrame, encodeRequest, type ServerFrame } from '#protocol/codec.ts';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import { buildSealed } from '#protocol/envelope.ts';
import type { Conversation } from '#protocol/model.ts';
import { createGroup, groupInfo } from '../../web/engine/mls/index.ts';
import { bytesOfId, type ConversationId, type DeviceId, idFromBytes, SessionId, toBase64Url, type UnlockerId, type UserId } from '#protocol/ids.ts';

export interface RawAccount {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly cookie: string;
  /** Ed25519 secret key of the device (tweetnacl's 64 bytes). */
  readonly deviceSecret: Uint8Array;
  readonly certificate: Uint8Array;
}

const password = 'a long enough password';

async function postJson(origin: string, command: CommandName, input: unknown, cookie: string | null): Promise<Response> {
  const headers = { 'content-type': 'application/json', origin, ...(cookie === null ? {} : { cookie }) };
  const response = await fetch(`${origin}/api/v1/${command}`, { method: 'POST', headers, body: JSON.stringify(input) });
  if (!response.ok) throw new Error(`${command}: ${response.status} ${await response.text()}`);
  return response;
}

function cookieOf(response: Response): string {
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0];
  if (cookie === undefined) throw new Error('no cookie');
  return cookie;
}

/** One more session of the same device: one session may hold only so many sockets. Gives its cookie. */
export async function anotherSession(origin: string, account: RawAccount): Promise<string> {
  const signedIn = await postJson(origin, 'signIn.password', { handle: 'owner', password }, null);
  const cookie = cookieOf(signedIn);
  const { sessionId } = v.parse(v.object({ sessionId: SessionId }), await signedIn.json());
  const asked = await postJson(origin, 'device.challenge', {}, cookie);
  const { challenge } = v.parse(v.object({ challenge: v.string() }), await asked.json());
  const signed = Buffer.concat([
    Buffer.from('lanying attach 1'), bytesOfId(sessionId), bytesOfId(account.deviceId), Buffer.from(challenge, 'base64url'),
  ]);
  const signature = toBase64Url(nacl.sign.detached(signed, account.deviceSecret));
  await postJson(origin, 'device.attach', { deviceId: account.deviceId, challenge, signature }, cookie);
  return cookie;
}

const fresh = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length));

/** Makes the owner with a real certificate; vault contents are noise, which the server cannot tell apart. */
export async function createOwner(origin: string, token: string): Promise<RawAccount> {
  const userId = idFromBytes<UserId>(fresh(16));
  const deviceId = idFromBytes<DeviceId>(fresh(16));
  const identity = nacl.sign.keyPair();
  const device = nacl.sign.keyPair();
  const body = encodeCertificateBody({
    userId,
    deviceId,
    deviceKey: new Uint8Array(device.publicKey),
    issuedAt: Date.now(),
    expiresAt: Date.now() + 365 * 86_400_000,
    identityKey: new Uint8Array(identity.publicKey),
  });
  const certificate = joinCertificate(body, nacl.sign.detached(signedBytes(body), identity.secretKey));
  const unlocker = () => ({
    unlockerId: idFromBytes<UnlockerId>(fresh(16)),
    kind: 'recovery-code',
    credentialId: '',
    wrapped: toBase64Url(fresh(72)),
  });
  const response = await postJson(origin, 'account.create', {
    grant: { kind: 'setup', token },
    userId,
    handle: 'owner',
    displayName: 'Owner',
    factor: { kind: 'password', password },
    identityKey: toBase64Url(identity.publicKey),
    device: { deviceId, certificate: toBase64Url(certificate), label: 'raw client' },
    keyPackages: [],
    vault: { sealed: toBase64Url(fresh(128)), unlockers: [unlocker(), unlocker()] },
  }, null);
  return { userId, deviceId, cookie: cookieOf(response), deviceSecret: device.secretKey, certificate };
}

interface Waiting {
  resolve(frame: ServerFrame): void;
  reject(cause: Error): void;
}

const openAttemptsMax = 3;
const closedEarly = (): Error => new Error('the socket closed before the answer');

/** One socket; answers resolve by request id, events go to `onEvent`. */
export class RawSocket {
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  onEvent: (frame: ServerFrame & { kind: 'event' }) => void = () => undefined;

  private constructor(readonly socket: WebSocket) {
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer) => {
      const frame = decodeServerFrame(data);
      if (frame === null) throw new Error('the server sent a frame that does not parse');
      if (frame.kind === 'event') {
        this.onEvent(frame);
        return;
      }
      this.#waiting.get(frame.id)?.resolve(frame);
      this.#waiting.delete(frame.id);
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(closedEarly());
      this.#waiting.clear();
    });
  }

  /**
   * Open, and past its `ready`. Comes again when it was closed before that, as every client does: the relay does so now and
   * then to the only socket it has (server/transport/socket.ts).
   */
  static async open(origin: string, cookie: string): Promise<RawSocket> {
    for (let attempt = 0; attempt < openAttemptsMax; attempt += 1) {
      const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/v1/socket`, { headers: { origin, cookie }, perMessageDeflate: false });
      const raw = new RawSocket(socket);
      const greeted = new Promise<boolean>((resolve) => {
        socket.once('message', () => resolve(true));
        socket.once('close', () => resolve(false));
      });
      await once(socket, 'open');
      if (await greeted) return raw;
    }
    throw new Error(`${openAttemptsMax} sockets were closed before they were ready`);
  }

  /** Rejects when the socket is closed, or closes before the answer. */
  call(command: CommandName, input: unknown): Promise<ServerFrame> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) return reject(closedEarly());
      this.#waiting.set(id, { resolve, reject });
      this.socket.send(encodeRequest(id, command, input));
    });
  }

  async close(): Promise<void> {
    const gone = once(this.socket, 'close');
    this.socket.close();
    await gone;
  }
}

/** A conversation of this device alone, with a true MLS group behind it. */
export async function createConversation(socket: RawSocket, account: RawAccount): Promise<Conversation> {
  const conversationId = idFromBytes<ConversationId>(fresh(16));
  const signer = {
    publicKey: account.deviceSecret.slice(32),
    sign: (data: Uint8Array) => Promise.resolve(nacl.sign.detached(data, account.deviceSecret)),
  };
  const group = await createGroup({ groupId: bytesOfId(conversationId), suite: 1, credential: account.certificate, signer });
  const info = new Uint8Array(await groupInfo(group, signer));
  const answer = await socket.call('conversation.create', { conversationId, suite: 1, groupInfo: info, commit: null });
  if (answer.kind !== 'answer') throw new Error(`conversation.create: ${JSON.stringify(answer)}`);
  return v.parse(commands['conversation.create'].output, answer.output).conversation;
}

/** A body that the server takes for a sealed message: true header, noise inside. */
export function noiseBody(seenSequence: number, seenHash: Uint8Array<ArrayBuffer>, bytes: number): Uint8Array<ArrayBuffer> {
  return buildSealed({ nonce: fresh(12), seenSequence, seenHash, ciphertext: fresh(bytes) });
}
