/** A crowd whose server is killed and started again: how long until everybody is live again, and whether anything is lost. */
import type { Settled } from './followers.ts';
import { Sender } from './sending.ts';
import { Clients, type Say, Stage } from './stage.ts';

export interface ReturningOptions {
  readonly people: number;
  readonly sessionsEach: number;
  readonly processes: number;
  readonly say: Say;
}
export interface ReturningResult {
  /** From the moment the server serves again. */
  readonly seconds: number;
  readonly clients: number;
  readonly settled: readonly Settled[];
  /** Entries that all clients together must have. */
  readonly wanted: number;
}

const together = 100;

export async function returningCrowd({
  people,
  sessionsEach,
  processes,
  say,
}: ReturningOptions): Promise<ReturningResult> {
  const stage = await Stage.open({ people, sessionsEach, together: Math.min(together, people) });
  const crowds = Array.from({ length: processes }, () => new Clients(new URL('./followers.ts', import.meta.url)));
  try {
    const { members, port } = stage;
    const startedMs = performance.now();
    await Promise.all(
      crowds.map((clients, at) =>
        clients.ask({ kind: 'start', port, members: members.filter((_, index) => index % processes === at) }),
      ),
    );
    say(`returning: ${members.length} clients live after ${seconds(startedMs)} s`);
    const heads = new Map<string, number>();
    const places = members.filter((_, at) => at % (Math.min(together, people) * sessionsEach) === 0);
    const senders = await Promise.all(places.map((member) => Sender.open(stage.origin, member)));
    const sendAll = async (each: number): Promise<void> => {
      await Promise.all(
        senders.map(async (sender) => {
          for (let sent = 0; sent < each; sent += 1)
            heads.set(sender.member.place.conversationId, await sender.send(1_024));
        }),
      );
    };
    await sendAll(10);
    await stage.kill();
    await stage.boot();
    const backMs = performance.now();
    const settled = (await Promise.all(crowds.map((clients) => clients.ask({ kind: 'settled', heads })))) as Settled[];
    const took = seconds(backMs);
    const wanted = members.reduce((sum, { place }) => sum + (heads.get(place.conversationId) ?? 0), 0);
    return { seconds: took, clients: members.length, settled, wanted };
  } finally {
    for (const clients of crowds) clients.stop();
    await stage.close();
  }
}

const seconds = (sinceMs: number): number => Math.round((performance.now() - sinceMs) / 100) / 10;
