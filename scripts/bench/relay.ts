/** Rows of the relay: durable acknowledged sends, and deliveries to many sockets of one conversation. */
import { createConversation } from '../../test/harness/raw-client.ts';
import { bareGroupCommit, startBareRelay, subscribe } from './baselines.ts';
import { cpuSeconds } from './cpu.ts';
import { compare, type Row } from './report.ts';
import { type Bench, bodyBytes, current, openWires, SendFrame, tail } from './talk.ts';
import { isAnswer, isEvent, type Wire } from './wire.ts';

export const rounds = 5;
export const senders = 64;
const sendsPerRound = 20_000;

/** Sends until `count` are acknowledged, one under way for each socket; resolves with sends a second. */
export function sendRound(wires: readonly Wire[], frames: readonly SendFrame[], count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let toSend = count;
    let acknowledged = 0;
    const started = performance.now();
    wires.forEach((wire, at) => {
      const frame = frames[at];
      if (frame === undefined) return reject(new Error('no frame'));
      const send = (): void => {
        if (toSend <= 0) return;
        toSend -= 1;
        wire.write(frame.next());
      };
      wire.onFrame = (payload) => {
        if (isEvent(payload)) return;
        if (!isAnswer(payload)) return reject(new Error(`refused: ${payload.toString('latin1')}`));
        acknowledged += 1;
        if (acknowledged === count) resolve(count / ((performance.now() - started) / 1_000));
        send();
      };
      send();
    });
  });
}

/** 64 sockets, each waiting for its acknowledgement before the next send, over 8 conversations. */
export async function sendsRow(bench: Bench): Promise<Row> {
  const wires = await openWires(bench, senders);
  let conversations = await Promise.all(
    Array.from({ length: 8 }, () => createConversation(bench.control, bench.account)),
  );
  const ours: number[] = [];
  const bare: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    
    const frames = wires.map((_, at) => new SendFrame(conversations[at % conversations.length] ?? fail()));
    const before = cpuSeconds(bench.appliance.pid);
    const rate = await sendRound(wires, frames, sendsPerRound);
    const spent = cpuSeconds(bench.appliance.pid) - before;
    const baseline = await bareGroupCommit(sendsPerRound, senders, bodyBytes);
    conversations = await Promise.all(conversations.map((conversation) => current(bench, conversation)));
    // The first round warms up.
    if (round === 0) continue;
    ours.push(rate);
    cpu.push(sendsPerRound / spent);
    bare.push(baseline);
  }
  for (const wire of wires) wire.close();
  return compare({
    name: `durable acknowledged sends, 1 KiB, ${senders} senders`,
    unit: 'sends/s',
    ours,
    bare,
    target: 0.6,
    perCpuSecond: cpu,
  });
}

const fail = (): never => {
  throw new Error('no conversation');
};

const readers = 200;
/** A message of 1 KiB as lanying delivers it: with its envelope, ids and running hash. */
const deliveredBytes = 1_342;
const deliverySenders = 8;
const sendsInFlight = 8;
const publishesPerRound = 2_000;

/** Counts events until every reader has all of them. */
function whenDelivered(wires: readonly Wire[], each: number): Promise<void> {
  return new Promise((resolve) => {
    let left = wires.length * each;
    for (const wire of wires) {
      wire.onFrame = (payload) => {
        if (payload.length < bodyBytes) return;
        left -= 1;
        if (left === 0) resolve();
      };
    }
  });
}

/** Several sends under way on each sender, so that the relay is never idle; resolves when all are acknowledged. */
function pump(wires: readonly Wire[], count: number, frameOf: (at: number) => () => Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let toSend = count;
    let acknowledged = 0;
    wires.forEach((wire, at) => {
      const next = frameOf(at);
      const send = (): void => {
        if (toSend <= 0) return;
        toSend -= 1;
        wire.write(next());
      };
      wire.onFrame = (payload) => {
        if (isEvent(payload)) return;
        if (!isAnswer(payload)) return reject(new Error(`refused: ${payload.toString('latin1')}`));
        acknowledged += 1;
        if (acknowledged === count) resolve();
        send();
      };
      for (let under = 0; under < sendsInFlight; under += 1) send();
    });
  });
}

/** One conversation, 200 sockets live on it, everything kept and acknowledged; against bare publish of the same bytes. */
export async function deliveriesRow(bench: Bench): Promise<Row> {
  let conversation = await createConversation(bench.control, bench.account);
  const sending = await openWires(bench, deliverySenders);
  const reading = await openWires(bench, readers);
  await Promise.all(reading.map((wire) => tail(wire, conversation)));
  const bare = await startBareRelay('publish', deliveredBytes);
  const theirSenders = await bare.wires(deliverySenders);
  const theirReaders = await bare.wires(readers);
  subscribe(theirReaders);
  const ours: number[] = [];
  const theirs: number[] = [];
  const cpu: number[] = [];
  const theirCpu: number[] = [];
  const total = publishesPerRound * readers;
  for (let round = 0; round <= rounds; round += 1) {
    const frames = sending.map(() => new SendFrame(conversation));
    const before = cpuSeconds(bench.appliance.pid);
    const started = performance.now();
    const delivered = whenDelivered(reading, publishesPerRound);
    await pump(sending, publishesPerRound, (at) => () => frames[at]?.next() ?? fail());
    await delivered;
    const rate = total / ((performance.now() - started) / 1_000);
    const spent = cpuSeconds(bench.appliance.pid) - before;
    const beforeBare = cpuSeconds(bare.pid);
    const bareRate = await bareRound(theirSenders, theirReaders, bare.frame);
    const bareSpent = cpuSeconds(bare.pid) - beforeBare;
    conversation = await current(bench, conversation);
    if (round === 0) continue;
    ours.push(rate);
    theirs.push(bareRate);
    cpu.push(total / spent);
    theirCpu.push(total / bareSpent);
  }
  bare.stop();
  for (const wire of [...sending, ...reading]) wire.close();
  return compare({
    name: `deliveries, one conversation, ${readers} readers, 1 KiB, kept and acknowledged`,
    unit: 'deliveries/s',
    ours,
    bare: theirs,
    target: 0.7,
    perCpuSecond: cpu,
    barePerCpuSecond: theirCpu,
  });
}

/** The bare server answers each sender with three bytes and publishes to all readers. */
async function bareRound(senders_: readonly Wire[], readers_: readonly Wire[], frame: Buffer): Promise<number> {
  const started = performance.now();
  const delivered = whenDelivered(readers_, publishesPerRound);
  await pump(senders_, publishesPerRound, () => () => frame);
  await delivered;
  return (publishesPerRound * readers_.length) / ((performance.now() - started) / 1_000);
}
