/** Row of the relay: durable acknowledged sends. */
import { createConversation } from '../../test/harness/raw-client.ts';
import { bareGroupCommit } from './baselines.ts';
import { cpuSeconds } from './cpu.ts';
import { compare, type Row } from './report.ts';
import { type Bench, bodyBytes, current, openWires, SendFrame } from './talk.ts';
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
