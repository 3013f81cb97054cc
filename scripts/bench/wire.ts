/**
 * A client that costs next to nothing, so that the rows measure the server: WebSocket (RFC 6455) by hand over a plain
 * socket, frames made beforehand, answers counted by their head alone. For loopback and benches only.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const opcodes = { binary: 2, ping: 9, pong: 10 } as const;

/** A client's frame: final, binary unless told otherwise, masked by zeros (§5.3 wants a mask, and any will do here). */
export function maskedFrame(payload: Uint8Array, opcode: number = opcodes.binary): Buffer {
  const small = payload.length < 126;
  const head = Buffer.alloc(small ? 6 : payload.length < 65_536 ? 8 : 14);
  head[0] = 0x80 | opcode;
  if (small) head[1] = 0x80 | payload.length;
  else if (payload.length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}

export class Wire {
  #onFrame: ((payload: Buffer) => void) | null = null;
  /** What came before anybody listened. */
  #early: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
  }

  /** `host`, `port`: where to connect; resolves when the upgrade was answered with 101. */
  static open(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Wire> {
    const socket = connect(port, '127.0.0.1');
    const wire = new Wire(socket);
    const lines = Object.entries({
      host: `localhost:${port}`,
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before the upgrade')));
      socket.once('connect', () => socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`));
      let head = '';
      const reading = (chunk: Buffer): void => {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        socket.off('data', reading);
        if (!head.startsWith('HTTP/1.1 101')) return reject(new Error(head.slice(0, 200)));
        socket.on('data', (data: Buffer) => wire.#read(data));
        wire.#read(Buffer.from(head.slice(end + 4), 'latin1'));
        resolve(wire);
      };
      socket.on('data', reading);
    });
  }

  /** Called with each frame's payload, first of all with those that came before; the bytes are only good until it returns. */
  set onFrame(listen: (payload: Buffer) => void) {
    this.#onFrame = listen;
    for (const payload of this.#early.splice(0)) listen(payload);
  }

  /** Resolves with its first frame's arrival, as of `ready`; rejects when the connection ends before. */
  greeted(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('close', () => reject(new Error('closed after the upgrade and before its first frame')));
      this.onFrame = () => resolve();
    });
  }

  write(frame: Buffer): void {
    this.socket.write(frame);
  }

  close(): void {
    this.socket.destroy();
  }

  #take(payload: Buffer): void {
    if (this.#onFrame === null) this.#early.push(Buffer.from(payload));
    else this.#onFrame(payload);
  }

  #read(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = (bytes[at + 1] ?? 0) & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < head) break;
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      if (bytes.length - at < head + length) break;
      const payload = bytes.subarray(at + head, at + head + length);
      const opcode = (bytes[at] ?? 0) & 15;
      if (opcode === opcodes.binary) this.#take(payload);
      // Who does not answer is taken for gone.
      if (opcode === opcodes.ping) this.write(maskedFrame(payload, opcodes.pong));
      at += head + length;
    }
    this.#rest = bytes.subarray(at);
  }
}

/** CBOR heads of the two frames that benches tell apart: answers and refusals begin with their kind, events with 4. */
export const isEvent = (payload: Buffer): boolean => payload[1] === 4;
export const isAnswer = (payload: Buffer): boolean => payload[1] === 2;
