/** Counters of what the door bears: connections, bodies, and what peers leave unread. */
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Fewer connections than this are told of at the start. */
export const connectionsFew = 2_048;
export const connectionsAdvice =
  'listening, for few connections: raise the limit of open files (ulimit -n) to 8192 or more';

export interface LoadMeter {
  /** Unread bytes of all sockets, and how many sockets were cut off for theirs. */
  unread(bytes: number, cut: number): void;
  /** Open connections that are no sockets. */
  connections(open: number): void;
  /** Closed at once: there are no descriptors left for it. */
  connectionRefused(): void;
  /** Ended without a whole request head: timed out, or given up by the peer. */
  connectionUnheard(): void;
  /** A request's body stopped coming, or came too slowly. */
  bodyCut(): void;
}

export function loadMeter(registry: Registry, log: Pick<Logger, 'warn'>): LoadMeter {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const unread = gauge('lanying_unread_bytes', 'What sockets leave unread, in memory.');
  const cuts = counter('lanying_sockets_cut_total', 'Sockets cut off because too much was unread.');
  let connectionsOpen = 0;
  const connections: Gauge = new Gauge({
    name: 'lanying_connections',
    help: 'Open connections that are no sockets.',
    registers: [],
    // Set when somebody looks: connections come by thousands.
    collect() {
      this.set(connectionsOpen);
    },
  });
  registry.registerMetric(connections);
  const refused = counter('lanying_connections_refused_total', 'Connections beyond the descriptors of the process.');
  const unheard = counter('lanying_connections_unheard_total', 'Connections that ended without a whole request head.');
  const bodies = counter('lanying_bodies_cut_total', 'Requests whose body stopped or came too slowly.');
  return {
    unread(bytes, cut) {
      unread.set(bytes);
      if (cut === 0) return;
      cuts.inc(cut);
      log.warn({ sockets: cut }, 'sockets that left too much unread were cut off');
    },
    connections(open) {
      connectionsOpen = open;
    },
    connectionRefused: () => refused.inc(),
    connectionUnheard: () => unheard.inc(),
    bodyCut: () => bodies.inc(),
  };
}
