/** Read config, compose, listen, drain on SIGTERM or SIGINT. */
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertNotRestoring, BootError, compose, type Server } from './compose.ts';
import { ConfigError } from './config/config.ts';
import { processEnvironment } from './config/env.ts';
import { loadMasterKey } from './config/master-key.ts';
import { createOps, type Ops } from './ops/ops.ts';
import { systemRuntime } from './ops/system-runtime.ts';

/** sysexits.h EX_CONFIG */
const exitConfig = 78;
const exitFailure = 1;
/** sysexits.h EX_IOERR: the store failed; a start on a sound disk reads what is there */
const exitStore = 74;
const setupTokenBytes = 32;
const echoMsMax = 1_000;

/** The built client lies beside the built server, or in dist when this runs from its sources. */
function webFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return basename(dirname(here)) === 'dist' ? join(here, '..', 'web') : join(here, '..', 'dist', 'web');
}

/** The operator's commands beside this one, as built or from the sources. */
function cli(): readonly string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = basename(dirname(here)) === 'dist';
  return built ? [process.execPath, join(here, 'cli.js')] : [process.execPath, ...process.execArgv, join(here, '..', 'scripts', 'cli', 'main.ts')];
}

/** One readable line for each problem, never a stack: whoever starts the server is not debugging it. */
function explain(cause: unknown): never {
  const problems = cause instanceof ConfigError ? cause.problems : [cause instanceof Error ? cause.message : String(cause)];
  for (const problem of problems) process.stderr.write(`lanying cannot start: ${problem}\n`);
  if (cause instanceof BootError && cause.disk) process.exit(exitStore);
  process.exit(cause instanceof ConfigError ? exitConfig : exitFailure);
}

/** From the first moment on: as PID 1 of a container a signal without a handler would be lost. Before there is a server there is nothing to drain. */
function stopOnSignals(running: () => Server | null, ops: Ops): void {
  let stoppingSinceMs: number | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs !== null) {
      // Under npm one Ctrl-C comes twice, from the terminal and from npm; only a later one is a person's impatience.
      if (systemRuntime.monotonic() - stoppingSinceMs >= echoMsMax) process.exit(exitFailure);
      return;
    }
    stoppingSinceMs = systemRuntime.monotonic();
    ops.draining(signal);
    const server = running();
    if (server === null) process.exit(0);
    server.stop().then(
      () => process.exit(0),
      (cause: unknown) => {
        ops.crashed(cause);
        process.exit(exitFailure);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function boot(): Promise<void> {
  const { config, masterKeyFile, setupToken } = processEnvironment();
  const ops = createOps({ level: config.logLevel, processMetrics: true });
  const crash = (cause: unknown): never => {
    ops.crashed(cause);
    process.exit(exitFailure);
  };
  let server: Server | null = null;
  stopOnSignals(() => server, ops);
  await assertNotRestoring(config.dataFolder);
  const master = loadMasterKey(config.dataFolder, masterKeyFile, systemRuntime.random);
  if (master.made !== null) ops.masterKeyMade(master.made);
  const secrets = Object.freeze({
    masterKey: master.key,
    setupToken: setupToken ?? Buffer.from(systemRuntime.random(setupTokenBytes)).toString('base64url'),
  });
  const composed = await compose({ config, secrets, ops, runtime: systemRuntime, webFolder: webFolder(), cli: cli(), onBroken: () => process.exit(exitStore) });
  server = composed;
  const port = await composed.listen().catch(async (cause: unknown) => {
    await composed.stop();
    throw cause;
  });
  ops.listening(port, composed.connectionsMax);
  process.on('uncaughtException', crash);
  process.stdout.write(`lanying is ready at ${config.origin}\n`);
  // The fragment never leaves the browser, so the token is in no request and no log.
  if (await composed.setupNeeded()) process.stdout.write(`Set it up here: ${config.origin}/setup#token=${secrets.setupToken}\n`);
}

boot().catch(explain);
