/** [L8] [Q3] Sockets that read nothing while much is fanned out to them; then they read again. */
import { unreadBytesMax } from '../../server/protocol/limits.ts';
import type { Settled } from './followers.ts';
import { Sender } from './sending.ts';
import { Clients, type Say, Stage } from './stage.ts';

const mib = 1024 * 1024;
const bodyBytes = 60 * 1024;

export interface SilentOptions {
  readonly readers: number;
  /** Deliveries to all of them together. */
  readonly totalBytes: number;
  readonly say: Say;
}
export interface SilentResult {
  readonly grownBytes: number;
  /** What the process may grow by: unread bytes of all, and room for garbage. */
  readonly boundBytes: number;
  readonly settled: Settled;
  readonly wanted: number;
}

/** Unread bytes in the relay, the same once more while they are sent, and what the collector has not collected yet. */
export const silentBoundBytes = 2 * unreadBytesMax;

export async function silentReaders({ readers, totalBytes, say }: SilentOptions): Promise<SilentResult> {
  const stage = await Stage.open({ people: readers + 1, sessionsEach: 1, together: readers + 1 });
  const clients = new Clients(new URL('./followers.ts', import.meta.url));
  try {
    const [first, ...others] = stage.members;
    if (first === undefined) throw new Error('nobody');
    const sender = await Sender.open(stage.origin, first);
    await clients.ask({ kind: 'start', port: stage.port, members: others });
    await clients.ask({ kind: 'pause' });
    const before = stage.residentBytes();
    let most = before;
    let head = 1;
    for (let sent = 0; sent < totalBytes; sent += bodyBytes * readers) {
      head = await sender.send(bodyBytes);
      most = Math.max(most, stage.residentBytes());
    }
    say(
      `silent: ${Math.round(before / mib)} MiB before, at most ${Math.round(most / mib)} MiB while ${Math.round(totalBytes / mib)} MiB were fanned out to ${readers} that read nothing; unread ${Math.round((await stage.metric('lanying_unread_bytes')) / mib)} MiB`,
    );
    await clients.ask({ kind: 'resume' });
    const settled = (await clients.ask({
      kind: 'settled',
      heads: new Map([[first.place.conversationId, head]]),
    })) as Settled;
    most = Math.max(most, stage.residentBytes());
    return { grownBytes: most - before, boundBytes: silentBoundBytes, settled, wanted: head * readers };
  } finally {
    clients.stop();
    await stage.close();
  }
}
