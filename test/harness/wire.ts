/** A recorder between browsers and the appliance: every byte of every connection, WebSocket frames unmasked. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Payloads of RFC 6455 §5.2 frames, unmasked; stops at an unfinished frame. */
function payloads(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const second = bytes[at + 1] ?? 0;
    const masked = (second & 0x80) !== 0;
    let length = second & 0x7f;
    let head = at + 2;
    if (length >= 126) {
      const width = length === 126 ? 2 : 8;
      if (head + width > bytes.length) break;
      length = width === 2 ? bytes.readUInt16BE(head) : Number(bytes.readBigUInt64BE(head));
      head += width;
    }
    const mask = masked ? bytes.subarray(head, head + 4) : null;
    const start = head + (masked ? 4 : 0);
    if (start + length > bytes.length) break;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    if (mask !== null) for (let index = 0; index < length; index += 1) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
    parts.push(payload);
    at = start + length;
  }
  return Buffer.concat(parts);
}

/** What one side of a connection said: text of HTTP as it is, and of a WebSocket its messages. */
function readable(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\r\n\r\n');
  const isUpgrade = end > 0 && /^upgrade: *websocket/im.test(bytes.subarray(0, end).toString('latin1'));
  return isUpgrade ? Buffer.concat([bytes.subarray(0, end + 4), payloads(bytes.subarray(end + 4))]) : bytes;
}

export class Wire {
  readonly #sides: Buffer[][] = [];
  readonly #sockets = new Set<Socket>();
  /** Where to; null cuts everybody off. */
  #target: number | null = null;

  private constructor(
    readonly port: number,
    readonly server: Server,
  ) {}

  static async open(): Promise<Wire> {
    const server = createServer();
    // By name, as browsers come: `localhost` may be either address.
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const wire = new Wire(address.port, server);
    server.on('connection', (socket) => wire.#accept(socket));
    return wire;
  }

  #accept(near: Socket): void {
    if (this.#target === null) {
      near.destroy();
      return;
    }
    const far = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]] as const) {
      const side: Buffer[] = [];
      this.#sides.push(side);
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        side.push(chunk);
        to.write(chunk);
      });
      from.on('end', () => to.end());
      // A refused or reset connection is what a stopped server looks like to the browser too.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  lead(port: number): void {
    this.#target = port;
  }

  /** Ends all connections and refuses new ones until `lead`. */
  cut(): void {
    this.#target = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Everything that went over it so far, HTTP and WebSocket messages alike. */
  record(): Buffer {
    return Buffer.concat(this.#sides.map((side) => readable(Buffer.concat(side))));
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }
}
