/** Row of the relay: how long a message is under way from its sender to a reader, at half of what the relay can take. */
import { randomBytes } from 'node:crypto';
import { createConversation } from '../../test/harness/raw-client.ts';
import { startBareRelay, subscribe } from './baselines.ts';
import { rounds, senders, sendRound } from './relay.ts';
import { compareLess, percentile99, type Row } from './report.ts';
import { type Bench, bodyBytes, current, idLength, openWires, SendFrame, tail } from './talk.ts';
import { isEvent, maskedFrame, type Wire } from './wire.ts';

const conversationCount = 8;
const saturationSends = 16_000;
const sendsPerRound = 8_000;
const target = 3;

interface Lane {
  /** The frame of the next send, in memory of its own, and the mark that a reader sees of it. */
  next(): { readonly frame: Buffer; readonly mark: string };
  /** Mark of what arrived at the reader; null when it is no message. */
  markOf(payload: Buffer): string | null;
}

/** Sends at `rate` a second, over all wires in turn, whatever is under way; p99 from send to arrival, in milliseconds. */
function paced(wires: readonly Wire[], reader: Wire, lane: Lane, rate: number): Promise<number> {
  return new Promise((resolve) => {
    const sentAt = new Map<string, number>();
    const times: number[] = [];
    let sent = 0;
    for (const wire of wires) wire.onFrame = () => undefined;
    reader.onFrame = (payload) => {
      const mark = lane.markOf(payload);
      const started = mark === null ? undefined : sentAt.get(mark);
      if (mark === null || started === undefined) return;
      sentAt.delete(mark);
      times.push(performance.now() - started);
      if (times.length === sendsPerRound) resolve(percentile99(times));
    };
    const began = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(sendsPerRound, Math.floor(((performance.now() - began) / 1_000) * rate));
      for (; sent < due; sent += 1) {
        const { frame, mark } = lane.next();
        sentAt.set(mark, performance.now());
        wires[sent % wires.length]?.write(frame);
      }
      if (sent === sendsPerRound) clearInterval(timer);
    }, 1);
  });
}

/** Message ids are told apart behind eight characters that all of one frame share. */
function lanyingLane(frames: readonly SendFrame[]): Lane {
  const heads = frames.map(({ idHead }) => idHead);
  let count = 0;
  return {
    next: () => {
      const frame = frames[count % frames.length];
      if (frame === undefined) throw new Error('no frame');
      count += 1;
      const bytes = Buffer.from(frame.next());
      return { frame: bytes, mark: frame.idOf(bytes) };
    },
    markOf: (payload) => {
      if (!isEvent(payload)) return null;
      for (const head of heads) {
        const at = payload.indexOf(head, 0, 'latin1');
        if (at !== -1) return payload.toString('latin1', at, at + idLength);
      }
      return null;
    },
  };
}

/** The count stands in the first four bytes. */
function bareLane(): Lane {
  let count = 0;
  const payload = randomBytes(bodyBytes);
  return {
    next: () => {
      count += 1;
      payload.writeUInt32BE(count);
      return { frame: Buffer.from(maskedFrame(payload)), mark: String(count) };
    },
    markOf: (bytes) => (bytes.length < bodyBytes ? null : String(bytes.readUInt32BE())),
  };
}

/** The baseline takes the same messages at the same pace: written in synced batches, then handed to its reader. */
export async function latencyRow(bench: Bench): Promise<Row> {
  const wires = await openWires(bench, senders);
  const [reader] = await openWires(bench, 1);
  let conversations = await Promise.all(
    Array.from({ length: conversationCount }, () => createConversation(bench.control, bench.account)),
  );
  const framesNow = (): SendFrame[] => conversations.map((conversation) => new SendFrame(conversation));
  const refresh = async (): Promise<void> => {
    conversations = await Promise.all(conversations.map((conversation) => current(bench, conversation)));
  };
  const perWire = (): SendFrame[] =>
    wires.map((_, at) => new SendFrame(conversations[at % conversations.length] ?? fail()));
  await sendRound(wires, perWire(), saturationSends);
  await refresh();
  const saturation = await sendRound(wires, perWire(), saturationSends);
  await refresh();
  for (const conversation of conversations) await tail(reader ?? fail(), conversation);
  const bare = await startBareRelay('kept', bodyBytes);
  const theirs = await bare.wires(senders);
  const [theirReader] = await bare.wires(1);
  subscribe([theirReader ?? fail()]);
  const ourTimes: number[] = [];
  const theirTimes: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const ours = await paced(wires, reader ?? fail(), lanyingLane(framesNow()), saturation / 2);
    await refresh();
    const their = await paced(theirs, theirReader ?? fail(), bareLane(), saturation / 2);
    // The first round warms up.
    if (round === 0) continue;
    ourTimes.push(ours);
    theirTimes.push(their);
  }
  bare.stop();
  for (const wire of [...wires, ...(reader === undefined ? [] : [reader])]) wire.close();
  const pace = Math.round(saturation / 2).toLocaleString('en');
  const name = `p99 from send to delivery at ${pace} sends/s, half of saturation, against a bare echo of synced writes at the same pace`;
  return compareLess({ name, unit: 'ms', ours: ourTimes, bare: theirTimes, target });
}

const fail = (): never => {
  throw new Error('the bench lacks what it just made');
};
