/** Row of catching up: 10,000 entries by the real protocol, against the same values out of bare classic-level. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { encodeRequest } from '#protocol/codec.ts';
import { logPageEntriesMax } from '#protocol/limits.ts';
import type { Conversation } from '#protocol/model.ts';
import { createConversation } from '../../test/harness/raw-client.ts';
import { cpuSeconds } from './cpu.ts';
import { rounds, sendRound } from './relay.ts';
import { compare, type Row } from './report.ts';
import { type Bench, bodyBytes, current, openWires, SendFrame } from './talk.ts';
import { isAnswer, isEvent, maskedFrame, type Wire } from './wire.ts';

const messages = 10_000;
/** As a record of the log is stored. */
const storedBytes = 1_200;
const writing = 64;
/** Pages asked for before the first has come: the next cursor is known, because sequences have no gaps. */
const pagesAhead = 4;

/** Reads all entries by pages; resolves with entries a second. */
function catchUp(wire: Wire, { conversationId, headSequence }: Conversation): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let asked = headSequence - messages;
    let answered = 0;
    let bytes = 0;
    const ask = (): void => {
      if (asked >= headSequence) return;
      wire.write(maskedFrame(encodeRequest(1, 'log.read', { conversationId, after: asked })));
      asked += logPageEntriesMax;
    };
    wire.onFrame = (payload) => {
      if (isEvent(payload)) return;
      if (!isAnswer(payload)) return reject(new Error(`refused: ${payload.toString('latin1')}`));
      answered += logPageEntriesMax;
      bytes += payload.length;
      if (answered < messages) return ask();
      if (bytes < messages * bodyBytes) return reject(new Error(`${bytes} bytes cannot be ${messages} entries`));
      resolve(messages / ((performance.now() - started) / 1_000));
    };
    for (let ahead = 0; ahead < pagesAhead; ahead += 1) ask();
  });
}

class BareLog {
  readonly #folder: string;
  readonly #level: ClassicLevel<Buffer, Buffer>;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#level = new ClassicLevel(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  }

  static async make(): Promise<BareLog> {
    const bare = new BareLog(await mkdtemp(join(tmpdir(), 'lanying-bare-')));
    for (let first = 0; first < messages; first += 100) {
      const puts = Array.from({ length: 100 }, (_, at) => {
        const key = Buffer.alloc(8);
        key.writeBigUInt64BE(BigInt(first + at));
        return { type: 'put', key, value: randomBytes(storedBytes) } as const;
      });
      await bare.#level.batch(puts);
    }
    return bare;
  }

  /** Values a second, read in steps as lanying reads them. */
  async read(): Promise<number> {
    const started = performance.now();
    const iterator = this.#level.values();
    let found = 0;
    for (;;) {
      const step = await iterator.nextv(logPageEntriesMax);
      if (step.length === 0) break;
      found += step.length;
    }
    await iterator.close();
    if (found !== messages) throw new Error(`${found} values`);
    return messages / ((performance.now() - started) / 1_000);
  }

  async close(): Promise<void> {
    await this.#level.close();
    await rm(this.#folder, { recursive: true });
  }
}

export async function catchUpRow(bench: Bench): Promise<Row> {
  const conversation = await createConversation(bench.control, bench.account);
  const wires = await openWires(bench, writing);
  await sendRound(
    wires,
    wires.map(() => new SendFrame(conversation)),
    messages,
  );
  const reader = wires[0];
  if (reader === undefined) throw new Error('no wire');
  const full = await current(bench, conversation);
  const bare = await BareLog.make();
  const ours: number[] = [];
  const theirs: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const before = cpuSeconds(bench.appliance.pid);
    const rate = await catchUp(reader, full);
    const spent = cpuSeconds(bench.appliance.pid) - before;
    const bareRate = await bare.read();
    if (round === 0) continue;
    ours.push(rate);
    theirs.push(bareRate);
    cpu.push(messages / spent);
  }
  await bare.close();
  for (const wire of wires) wire.close();
  return compare({
    name: `catch-up of ${messages.toLocaleString('en')} messages, 1 KiB`,
    unit: 'messages/s',
    ours,
    bare: theirs,
    target: 0.5,
    perCpuSecond: cpu,
  });
}
