/**
 * Logs and counters: one helper for each thing that happens, so that what is told about it is decided here once.
 * Never content, names, handles, tokens or addresses: command names, refusal codes, durations and counts only.
 */
import pino from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { connectionsAdvice, connectionsFew, type LoadMeter, loadMeter } from './load.ts';
import { type MachineMeter, machineMeter } from './machine.ts';
import { errorFields } from './error-fields.ts';

export type Door = 'socket' | 'http';

export interface Call {
  readonly requestId: string;
  readonly door: Door;
  /** A name of the command table. */
  readonly command: string;
  /** `ok` or a refusal code. */
  readonly outcome: string;
  readonly elapsedMs: number;
}

export interface Ops {
  readonly load: LoadMeter;
  readonly machine: MachineMeter;
  called(call: Call): void;
  /** A broken invariant or failed store behind one call; the caller got `server.internal`. */
  callFailed(requestId: string, command: string, cause: unknown): void;
  socketOpened(): void;
  socketClosed(code: number): void;
  socketLagged(conversations: number): void;
  frameRefused(): void;
  upgradeRefused(code: string): void;
  entriesPublished(entries: number): void;
  /** Fan-out could not read what it wanted to tell; clients learn of it at their next read. */
  hintLost(kind: string, cause: unknown): void;
  jobRan(job: string, swept: number, elapsedMs: number): void;
  jobFailed(job: string, cause: unknown): void;
  /** An older copy of the data was put back: so many logs were purged again before serving. */
  purgedAgain(logs: number): void;
  /** `connectionsMax`: what the limit of open files leaves for connections. */
  listening(port: number, connectionsMax: number): void;
  draining(signal: string): void;
  stopped(inFlight: number): void;
  /** Something behind the operator's socket: a checkpoint that could not be taken, or the socket itself. */
  controlFailed(cause: unknown): void;
  masterKeyMade(path: string): void;
  /** The public key that verifies heads of the audit log. */
  auditKey(verifierKey: string): void;
  crashed(cause: unknown): void;
  /** Prometheus text format 0.0.4. */
  metrics(): Promise<string>;
}

/** Writes one line of JSON at a time. */
export interface LogSink {
  write(line: string): void;
}

function instruments(registry: Registry) {
  const registers = [registry];
  return {
    calls: new Counter({
      name: 'lanying_calls_total',
      help: 'Commands answered.',
      labelNames: ['door', 'command', 'outcome'],
      registers,
    }),
    duration: new Histogram({
      name: 'lanying_call_seconds',
      help: 'Time from reading a command to its answer.',
      labelNames: ['door'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    failures: new Counter({
      name: 'lanying_call_failures_total',
      help: 'Commands that ended in server.internal.',
      registers,
    }),
    sockets: new Gauge({ name: 'lanying_sockets', help: 'Open sockets.', registers }),
    closes: new Counter({
      name: 'lanying_socket_closes_total',
      help: 'Closed sockets by close code.',
      labelNames: ['code'],
      registers,
    }),
    lagged: new Counter({
      name: 'lanying_sockets_lagged_total',
      help: 'Times a slow socket was taken off its topics.',
      registers,
    }),
    badFrames: new Counter({
      name: 'lanying_frames_refused_total',
      help: 'Frames that closed their socket.',
      registers,
    }),
    upgrades: new Counter({
      name: 'lanying_upgrades_refused_total',
      help: 'Refused socket upgrades.',
      labelNames: ['code'],
      registers,
    }),
    entries: new Counter({
      name: 'lanying_entries_published_total',
      help: 'Log entries handed to fan-out.',
      registers,
    }),
    hints: new Counter({
      name: 'lanying_hints_lost_total',
      help: 'Events that could not be told.',
      labelNames: ['kind'],
      registers,
    }),
    swept: new Counter({
      name: 'lanying_swept_total',
      help: 'Records removed by jobs.',
      labelNames: ['job'],
      registers,
    }),
    jobFailures: new Counter({
      name: 'lanying_job_failures_total',
      help: 'Failed runs of jobs.',
      labelNames: ['job'],
      registers,
    }),
  };
}

/** Looking a counter up by its labels costs more than counting: those that were used are kept (commands × outcomes, some hundreds). */
function callMeter({ calls, duration }: ReturnType<typeof instruments>): (call: Call) => void {
  const kept = new Map<string, Counter.Internal>();
  const byDoor = { socket: duration.labels({ door: 'socket' }), http: duration.labels({ door: 'http' }) };
  return ({ door, command, outcome, elapsedMs }) => {
    const key = `${door} ${command} ${outcome}`;
    const known = kept.get(key) ?? calls.labels({ door, command, outcome });
    kept.set(key, known);
    known.inc();
    byDoor[door].observe(elapsedMs / 1_000);
  };
}

/** @param sink where log lines go; standard error when left out, so that standard output carries the setup link alone. */
export function createOps(options: {
  readonly level: string;
  readonly sink?: LogSink;
  readonly processMetrics?: boolean;
}): Ops {
  const log = pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    options.sink ?? pino.destination({ dest: 2, sync: true }),
  );
  const registry = new Registry();
  const meters = instruments(registry);
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const count = callMeter(meters);
  return {
    load: loadMeter(registry, log),
    machine: machineMeter(registry, log),
    called(call) {
      count(call);
      if (log.isLevelEnabled('debug'))
        log.debug({ ...call, elapsedMs: Math.round(call.elapsedMs * 10) / 10 }, 'command');
    },
    callFailed(requestId, command, cause) {
      meters.failures.inc();
      log.error({ requestId, command, ...errorFields(cause) }, 'command failed');
    },
    socketOpened: () => meters.sockets.inc(),
    socketClosed(code) {
      meters.sockets.dec();
      meters.closes.inc({ code: String(code) });
    },
    socketLagged(conversations) {
      meters.lagged.inc();
      log.info({ conversations }, 'slow socket taken off its topics');
    },
    frameRefused: () => meters.badFrames.inc(),
    upgradeRefused: (code) => meters.upgrades.inc({ code }),
    entriesPublished: (entries) => meters.entries.inc(entries),
    hintLost(kind, cause) {
      meters.hints.inc({ kind });
      log.error({ kind, ...errorFields(cause) }, 'event not told');
    },
    jobRan(job, swept, elapsedMs) {
      meters.swept.inc({ job }, swept);
      log.debug({ job, swept, elapsedMs: Math.round(elapsedMs) }, 'job ran');
    },
    jobFailed(job, cause) {
      meters.jobFailures.inc({ job });
      log.error({ job, ...errorFields(cause) }, 'job failed');
    },
    purgedAgain: (logs) => log.warn({ logs }, 'older data was put back: what had been purged was purged again'),
    listening: (port, connectionsMax) =>
      connectionsMax < connectionsFew ? log.warn({ port, connectionsMax }, connectionsAdvice) : log.info({ port, connectionsMax }, 'listening'),
    draining: (signal) => log.info({ signal }, 'draining'),
    stopped: (inFlight) => log.info({ inFlight }, 'stopped'),
    controlFailed: (cause) => log.error(errorFields(cause), 'the operator’s socket: backups of this running server may not be possible'),
    masterKeyMade: (path) =>
      log.warn(
        { path },
        'made a master key beside the data: whoever has the folder can open its records; copy the key to a safe place, and keep it elsewhere with LANYING_MASTER_KEY_FILE',
      ),
    auditKey: (verifierKey) => log.info({ verifierKey }, 'key of the audit log: keep it elsewhere, to verify tree heads with'),
    crashed: (cause) => log.fatal(errorFields(cause), 'broken invariant, stopping'),
    metrics: () => registry.metrics(),
  };
}
