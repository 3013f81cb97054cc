/**
 * Ends a real server under load again and again, by kill -9 or by a power cut, and compares what it shows with what it
 * had acknowledged: to bare senders, to people with the SDK, and to uploads.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkStore } from '../../server/compose-verify.ts';
import { loadMasterKey } from '../../server/config/master-key.ts';
import type { ChildServer } from '../../test/harness/child-server.ts';
import { FileClient } from '../../test/harness/files.ts';
import { type RawAccount, RawSocket } from '../../test/harness/raw-client.ts';
import { freePort } from '../../test/harness/free-port.ts';
import type { ConversationId } from '../../server/protocol/ids.ts';
import { Draw } from './draw.ts';
import { People, type Sdk } from './people.ts';
import type { Plug } from './plug.ts';
import { begin, checkLog, readLog, sendWhile } from './raw-log.ts';
import { invite, serve, setupToken } from './served.ts';
import { Uploads, type UploadsResult } from './uploads.ts';

export interface TortureOptions {
  readonly rounds: number;
  /** Decides how much is acknowledged before each end, how large files are, and which starts are cut off. */
  readonly seed: string;
  /** Bare sockets that send at once. */
  readonly clients: number;
  /** A round ends behind 20 acknowledgements to bare sockets and at most so many more. */
  readonly moreMax: number;
  /** People with the SDK, who talk beside them. */
  readonly people: number;
  /** Each says so many texts a round, an even number. */
  readonly texts: number;
  /** Data folders that are new, and ended while the first server starts in them. */
  readonly firstStarts: number;
  /** The built server and SDK. */
  readonly built: boolean;
  readonly sdk: Sdk;
  readonly plug: Plug;
  readonly say: (line: string) => void;
}

export interface TortureResult {
  readonly rounds: number;
  /** Starts that were ended before the server was ready, first ones too. */
  readonly startsEnded: number;
  readonly acknowledged: number;
  /** Entries in the log: what was acknowledged, and what was stored and not yet acknowledged when the process died. */
  readonly stored: number;
  readonly delivered: number;
  readonly timelines: number;
  readonly uploads: UploadsResult;
  /** Times that every record was opened and counted (`lanying verify`). */
  readonly verified: number;
}

const uploadLanes = 2;
const verifyEvery = 10;
/**
 * A step that takes longer is taken for one that never ends; a start takes some 2 s on a quiet machine, and the last steps
 * read everything that the rounds wrote.
 */
const stepMsMax = (rounds: number): number => 90_000 + 5_000 * rounds;
/** Longer than a start takes on a quiet machine. */
const startMsMax = 2_500;

/** Rejects when anything acknowledged is lost, torn, doubled or out of order, or the server does not start. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const rounds = new Rounds(options, `http://localhost:${await freePort()}`);
  try {
    return await rounds.run();
  } finally {
    await rounds.close();
  }
}

class Rounds {
  readonly #options: TortureOptions;
  readonly #origin: string;
  readonly #draw: Draw;
  readonly #devices = mkdtempSync(join(tmpdir(), 'lanying-torture-devices-'));
  readonly #acknowledged = new Map<string, number>();
  #server: ChildServer | null = null;
  #people: People | null = null;
  #startsEnded = 0;
  #verified = 0;

  constructor(options: TortureOptions, origin: string) {
    this.#options = options;
    this.#origin = origin;
    this.#draw = new Draw(options.seed);
  }

  async run(): Promise<TortureResult> {
    const { rounds, firstStarts, plug, say } = this.#options;
    for (let at = 0; at < firstStarts; at += 1) await this.#firstStart(join(plug.folder, `first-${at}`));
    await this.#start();
    const { account, conversationId } = await this.#step('the owner', begin(this.#origin, setupToken));
    const uploads = new Uploads(new FileClient(this.#origin, account.cookie), conversationId, this.#draw.of('uploads'));
    this.#people = await this.#step('people who come in', this.#gather(account));
    for (let at = 0; at < rounds; at += 1) {
      if (at > 0) await this.#startAgain(at);
      await this.#round(account, conversationId, uploads);
      const { delivered } = this.#people;
      say(
        `round ${at + 1} of ${rounds}, acknowledged: ${this.#acknowledged.size} entries, ${delivered} messages between people, ${uploads.result.whole} files`,
      );
    }
    await this.#verify();
    const last = await this.#start();
    const { entries } = await this.#step('the whole log', readLog(this.#origin, account.cookie, conversationId));
    checkLog(entries, this.#acknowledged);
    await this.#step('uploads to their end', uploads.finish());
    await this.#step('people who converge', this.#people.converge());
    const code = await this.#step('the last stop', last.stop());
    if (code !== 0) throw new Error(`the server ended with ${code}: ${last.log}`);
    await this.#verify();
    const { delivered, count } = this.#people;
    return {
      ...{ rounds, startsEnded: this.#startsEnded, acknowledged: this.#acknowledged.size, stored: entries.length },
      ...{ delivered, timelines: count + 1, uploads: uploads.result, verified: this.#verified },
    };
  }

  get #dataFolder(): string {
    return join(this.#options.plug.folder, 'data');
  }

  #child(dataFolder: string): ChildServer {
    this.#server = serve(this.#origin, dataFolder, this.#options.built);
    return this.#server;
  }

  async #start(dataFolder = this.#dataFolder): Promise<ChildServer> {
    const server = this.#child(dataFolder);
    await this.#step('a start', server.serving());
    return server;
  }

  /** One in four is ended while it starts. */
  async #startAgain(at: number): Promise<void> {
    if (at % verifyEvery === 0) await this.#verify();
    while (this.#draw.next(4) === 0) await this.#endedStart(this.#dataFolder);
    await this.#start();
  }

  async #endedStart(dataFolder: string): Promise<void> {
    const server = this.#child(dataFolder);
    await new Promise((resolve) => setTimeout(resolve, this.#draw.next(startMsMax)));
    // By itself it must not end; on a disk that is dead already it may.
    if (server.hasEnded) throw new Error(`the server ended with ${await server.ended}: ${server.log}`);
    await this.#options.plug.pull(server);
    this.#startsEnded += 1;
  }

  async #firstStart(dataFolder: string): Promise<void> {
    await this.#endedStart(dataFolder);
    const server = await this.#start(dataFolder);
    await server.kill();
  }

  async #gather(account: RawAccount): Promise<People> {
    const { people, sdk } = this.#options;
    const socket = await RawSocket.open(this.#origin, account.cookie);
    const invites = await invite(socket, people);
    await socket.close();
    return People.gather(sdk, this.#origin, invites, this.#devices);
  }

  async #round(account: RawAccount, conversationId: ConversationId, uploads: Uploads): Promise<void> {
    const { clients, moreMax, texts, plug } = this.#options;
    const shown = await this.#step('the log', readLog(this.#origin, account.cookie, conversationId));
    checkLog(shown.entries, this.#acknowledged);
    await this.#step('uploads after a start', uploads.check(false));
    const open = () => RawSocket.open(this.#origin, account.cookie);
    const sockets = await this.#step('sockets', Promise.all(Array.from({ length: clients }, open)));
    const acknowledged = this.#acknowledged;
    const enough = acknowledged.size + 20 + this.#draw.next(moreMax);
    let ending = false;
    const lanes = Array.from({ length: uploadLanes }, (_, lane) => uploads.sendUntil(() => ending, lane));
    const sending = sockets.map((socket) => sendWhile(() => true, socket, { conversationId, shown, acknowledged }));
    const talking = this.#people?.talk(texts, 1 + this.#draw.next(texts));
    const failed = Promise.all([...lanes, ...sending]);
    const acknowledgedEnough = until(() => ending || acknowledged.size >= enough);
    try {
      await this.#step('a round', Promise.race([failed, Promise.all([acknowledgedEnough, talking])]));
    } finally {
      ending = true;
    }
    if (this.#server === null) throw new Error('no server');
    await this.#step('the end of a server', plug.pull(this.#server));
    await this.#step('uploads that were cut off', Promise.all(lanes));
  }

  /** Rejects when it does not end, with how far everything was. */
  async #step<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const msMax = stepMsMax(this.#options.rounds);
    const late = new Promise<never>((_, reject) => {
      const tell = (): void =>
        reject(
          new Error(
            `${what}: not over after ${msMax / 1_000} s; ${this.#acknowledged.size} entries acknowledged, ${this.#people?.standing ?? 'nobody there'}; ${this.#server?.log}`,
          ),
        );
      timer = setTimeout(tell, msMax);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #verify(): Promise<void> {
    const folder = this.#dataFolder;
    const key = () => loadMasterKey(folder, null, (length) => crypto.getRandomValues(new Uint8Array(length))).key;
    const check = await checkStore(folder, key);
    if (check.kind !== 'checked' || check.verification.faults.length > 0)
      throw new Error(`verification: ${JSON.stringify(check)}`);
    this.#verified += 1;
    // This process took the folder's lock and let go of it: a cut that brought it back would name a process that lives.
    execFileSync('sync', ['-f', folder]);
  }

  async close(): Promise<void> {
    await this.#people?.close();
    await this.#server?.kill();
    this.#options.plug.remove();
    rmSync(this.#devices, { recursive: true, force: true });
  }
}

/** Looks at every turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
