/**
 * The same deliveries by Mosquitto (MQTT 3.1.1, OASIS standard 2014): QoS 1, lasting sessions, persistence on. Its client
 * here writes and counts packets by hand, as the relay's does.
 */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/harness/free-port.ts';
import { type Broker, startBroker } from './broker.ts';

const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from([value.length >> 8, value.length & 255]), Buffer.from(value)]);

/** A control packet: type and flags, then its length in groups of seven bits (§2.2.3). */
function packet(head: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

const publishType = 3;
const publishAcknowledged = 4;

/** One session: counts what is published to it and acknowledges it; tells of its own acknowledgements. */
export class MqttClient {
  onPublish: () => void = () => undefined;
  onAcknowledged: () => void = () => undefined;
  #onReply: () => void = () => undefined;
  #rest: Buffer = Buffer.alloc(0);
  #id = 0;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.#read(data));
  }

  static async open(port: number, name: string): Promise<MqttClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new MqttClient(socket);
    // Level 4, a session that lasts, no keep-alive.
    await client.#ask(packet(0x10, text('MQTT'), Buffer.from([4, 0, 0, 0]), text(name)));
    return client;
  }

  subscribe(topic: string): Promise<void> {
    return this.#ask(packet(0x82, Buffer.from([0, 1]), text(topic), Buffer.from([1])));
  }

  publish(topic: string, payload: Buffer): void {
    this.#id = (this.#id % 0xffff) + 1;
    this.socket.write(packet(0x32, text(topic), Buffer.from([this.#id >> 8, this.#id & 255]), payload));
  }

  #ask(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#onReply = resolve;
      this.socket.write(bytes);
    });
  }

  #read(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const acknowledgements: Buffer[] = [];
    let at = 0;
    for (;;) {
      const next = headOf(bytes, at);
      if (next === null || bytes.length < next.end) break;
      const type = (bytes[at] ?? 0) >> 4;
      if (type === publishType) {
        const idAt = next.body + 2 + bytes.readUInt16BE(next.body);
        acknowledgements.push(Buffer.from([0x40, 2, bytes[idAt] ?? 0, bytes[idAt + 1] ?? 0]));
        this.onPublish();
      } else if (type === publishAcknowledged) this.onAcknowledged();
      else this.#onReply();
      at = next.end;
    }
    this.#rest = bytes.subarray(at);
    if (acknowledgements.length > 0) this.socket.write(Buffer.concat(acknowledgements));
  }
}

function headOf(bytes: Buffer, at: number): { readonly body: number; readonly end: number } | null {
  let length = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[at + 1 + index];
    if (byte === undefined) return null;
    length |= (byte & 127) << (7 * index);
    if (byte < 128) return { body: at + 2 + index, end: at + 2 + index + length };
  }
  return null;
}

/** Keeps everything for sessions that are away, and lets as much be under way as is wanted. */
export async function startMosquitto(): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'lanying-mosquitto-'));
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    'user root',
    'autosave_interval 1',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
  ];
  writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  return startBroker('mosquitto', ['-c', join(folder, 'mosquitto.conf')], folder, port);
}
