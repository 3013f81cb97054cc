/** [Q4] Thousands of half-open upgrades, dripped heads and slow bodies: what they cost a good client, and that they end. */
import { median, percentile99 } from '../bench/report.ts';
import { Sender } from './sending.ts';
import { Clients, type Say, Stage } from './stage.ts';

const senders = 8;
const pauseMs = 10;

export interface HalfOpenOptions {
  readonly connections: number;
  /** Each with a flood and without. */
  readonly rounds: number;
  readonly sendsEach: number;
  readonly say: Say;
}
export interface HalfOpenResult {
  readonly baselineP99Ms: number;
  readonly floodP99Ms: number;
  readonly ratio: number;
  /** Connections that the server had open when the flood was, in the round with the fewest. */
  readonly openMin: number;
  /** Connections that ended without a request, and bodies that were cut off, by the server's own count. */
  readonly unheard: number;
  readonly bodiesCut: number;
}

/** 99th percentile of the time to an acknowledgement, at a steady pace. */
async function paced(sending: readonly Sender[], sendsEach: number): Promise<number> {
  const took: number[] = [];
  await Promise.all(
    sending.map(async (sender) => {
      for (let sent = 0; sent < sendsEach; sent += 1) {
        const startedMs = performance.now();
        await sender.send(1_024);
        took.push(performance.now() - startedMs);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }),
  );
  return percentile99(took);
}

export async function halfOpen({ connections, rounds, sendsEach, say }: HalfOpenOptions): Promise<HalfOpenResult> {
  const stage = await Stage.open({ people: senders + 1, sessionsEach: 1, together: senders + 1 });
  const flood = new Clients(new URL('./flood.ts', import.meta.url));
  try {
    const [victim, ...members] = stage.members;
    if (victim === undefined) throw new Error('nobody');
    const sending = await Promise.all(members.map((member) => Sender.open(stage.origin, member)));
    await paced(sending, sendsEach);
    const without: number[] = [];
    const during: number[] = [];
    let openMin = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round += 1) {
      without.push(await paced(sending, sendsEach));
      await flood.ask({ kind: 'start', port: stage.port, connections, cookie: victim.cookie });
      const open = await stage.metric('lanying_connections');
      openMin = Math.min(openMin, open);
      during.push(await paced(sending, sendsEach));
      const { ended } = (await flood.ask({ kind: 'stop' })) as { readonly ended: number };
      say(
        `half-open: round ${round + 1}, ${open} connections open, ${ended} ended by the server; p99 ${(without.at(-1) ?? 0).toFixed(1)} ms without, ${(during.at(-1) ?? 0).toFixed(1)} ms with them`,
      );
    }
    const [baselineP99Ms, floodP99Ms] = [median(without), median(during)];
    return {
      baselineP99Ms,
      floodP99Ms,
      ratio: floodP99Ms / baselineP99Ms,
      openMin,
      unheard: await stage.metric('lanying_connections_unheard_total'),
      bodiesCut: await stage.metric('lanying_bodies_cut_total'),
    };
  } finally {
    flood.stop();
    await stage.close();
  }
}
