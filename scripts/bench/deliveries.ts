/** Rows of the relay: deliveries to many sockets of one conversation, beside a bare publish and beside other servers. */
import { randomBytes } from 'node:crypto';
import { createConversation } from '../../test/harness/raw-client.ts';
import { startBareRelay, subscribe } from './baselines.ts';
import { cpuSeconds } from './cpu.ts';
import { MqttClient, startMosquitto } from './mosquitto.ts';
import { startProsody, XmppClient } from './prosody.ts';
import { rounds } from './relay.ts';
import { compare, type Row } from './report.ts';
import { type Bench, bodyBytes, current, openWires, SendFrame, tail } from './talk.ts';
import { isAnswer, isEvent, type Wire } from './wire.ts';

const fail = (): never => {
  throw new Error('no conversation');
};

const readers = 200;
/** A message of 1 KiB as lanying delivers it: with its envelope, ids and running hash. */
const deliveredBytes = 1_342;
const deliverySenders = 8;
const sendsInFlight = 8;
const publishesPerRound = 2_000;
const prosodyPublishes = 100;

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

/** One side of a row of deliveries: a server, and the rounds that it takes. */
interface Side {
  readonly pid: number;
  /** Messages of a round: as many as take some seconds. */
  readonly publishes: number;
  /** Resolves when every reader has everything. */
  round(): Promise<void>;
  stop(): Promise<void> | void;
}

/** One conversation, 200 sockets live on it, everything kept and acknowledged. */
async function ourSide(bench: Bench): Promise<Side> {
  let conversation = await createConversation(bench.control, bench.account);
  const sending = await openWires(bench, deliverySenders);
  const reading = await openWires(bench, readers);
  await Promise.all(reading.map((wire) => tail(wire, conversation)));
  return {
    pid: bench.appliance.pid,
    publishes: publishesPerRound,
    round: async () => {
      conversation = await current(bench, conversation);
      const frames = sending.map(() => new SendFrame(conversation));
      const delivered = whenDelivered(reading, publishesPerRound);
      await pump(sending, publishesPerRound, (at) => () => frames[at]?.next() ?? fail());
      await delivered;
    },
    stop: () => {
      for (const wire of [...sending, ...reading]) wire.close();
    },
  };
}

/** The bare server answers each sender with three bytes and publishes the same bytes to all readers. */
async function bareSide(): Promise<Side> {
  const bare = await startBareRelay('publish', deliveredBytes);
  const sending = await bare.wires(deliverySenders);
  const reading = await bare.wires(readers);
  subscribe(reading);
  return {
    pid: bare.pid,
    publishes: publishesPerRound,
    round: async () => {
      const delivered = whenDelivered(reading, publishesPerRound);
      await pump(sending, publishesPerRound, () => () => bare.frame);
      await delivered;
    },
    stop: () => bare.stop(),
  };
}

/** QoS 1 with persistence: kept, and acknowledged by every reader too. */
async function mosquittoSide(): Promise<Side> {
  const broker = await startMosquitto();
  const open = (name: string) => (_: unknown, at: number) => MqttClient.open(broker.port, `${name} ${at}`);
  const sending = await Promise.all(Array.from({ length: deliverySenders }, open('sender')));
  const reading = await Promise.all(Array.from({ length: readers }, open('reader')));
  await Promise.all(reading.map((reader) => reader.subscribe('all')));
  const message = randomBytes(bodyBytes);
  return {
    pid: broker.pid,
    publishes: publishesPerRound,
    round: () =>
      new Promise((resolve) => {
        let left = readers * publishesPerRound;
        let toSend = publishesPerRound;
        for (const reader of reading) reader.onPublish = () => ((left -= 1) === 0 ? resolve() : undefined);
        for (const sender of sending) {
          sender.onAcknowledged = () => ((toSend -= 1) >= 0 ? sender.publish('all', message) : undefined);
          for (let under = 0; under < sendsInFlight; under += 1) sender.onAcknowledged();
        }
      }),
    stop: () => {
      for (const { socket } of [...sending, ...reading]) socket.destroy();
      return broker.stop();
    },
  };
}

/**
 * A room of as many occupants, some of whom speak: it archives a message before it sends it to all of them, and what comes
 * back to its sender acknowledges it.
 */
async function prosodySide(): Promise<Side> {
  const names = Array.from({ length: readers }, (_, at) => `person${at}`);
  const server = await startProsody(names);
  const occupants: XmppClient[] = [];
  for (const name of names) occupants.push(await XmppClient.open(server.port, name));
  const body = randomBytes((bodyBytes * 3) / 4).toString('base64');
  return {
    pid: server.pid,
    publishes: prosodyPublishes,
    round: () =>
      new Promise((resolve) => {
        let left = readers * prosodyPublishes;
        let toSend = prosodyPublishes;
        for (const occupant of occupants) occupant.onMessage = () => ((left -= 1) === 0 ? resolve() : undefined);
        for (const sender of occupants.slice(0, deliverySenders)) {
          sender.onOwn = () => ((toSend -= 1) >= 0 ? sender.say(body) : undefined);
          for (let under = 0; under < sendsInFlight; under += 1) sender.onOwn();
        }
      }),
    stop: () => {
      for (const { socket } of occupants) socket.destroy();
      return server.stop();
    },
  };
}

interface Rates {
  readonly wall: number[];
  /** For each CPU second of the server. */
  readonly cpu: number[];
}

/** Deliveries a second of each side, in turns. */
async function alternated(sides: readonly Side[]): Promise<readonly Rates[]> {
  const rates = sides.map((side) => ({ side, wall: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { side, wall, cpu } of rates) {
      const total = side.publishes * readers;
      const before = cpuSeconds(side.pid);
      const started = performance.now();
      await side.round();
      const seconds = (performance.now() - started) / 1_000;
      // The first round warms up.
      if (round === 0) continue;
      wall.push(total / seconds);
      cpu.push(total / (cpuSeconds(side.pid) - before));
    }
  }
  return rates;
}

async function deliveries(bench: Bench, theirs: Side, name: string, target: number, byCpuToo: boolean): Promise<Row> {
  const sides = [theirs];
  try {
    sides.unshift(await ourSide(bench));
    const [our, their] = await alternated(sides);
    if (our === undefined || their === undefined) return fail();
    return compare({
      name,
      unit: 'deliveries/s',
      ours: our.wall,
      bare: their.wall,
      target,
      perCpuSecond: our.cpu,
      barePerCpuSecond: their.cpu,
      byCpuToo,
    });
  } finally {
    for (const side of sides) await side.stop();
  }
}

const conversationOf = `one conversation, ${readers} readers, 1 KiB, kept and acknowledged`;

export const deliveriesRow = async (bench: Bench): Promise<Row> =>
  deliveries(bench, await bareSide(), `deliveries, ${conversationOf}; bare publish`, 0.7, false);

/** Needs Debian's package. */
export const mosquittoRow = async (bench: Bench): Promise<Row> =>
  deliveries(
    bench,
    await mosquittoSide(),
    `deliveries, ${conversationOf}; Mosquitto at QoS 1 with persistence`,
    1.5,
    true,
  );

/** Needs Debian's package. */
export const prosodyRow = async (bench: Bench): Promise<Row> =>
  deliveries(bench, await prosodySide(), `deliveries, ${conversationOf}; Prosody, a room with its archive`, 20, true);
