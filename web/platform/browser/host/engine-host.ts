/**
 * The worker's side: one engine, many pages. Pages come and go; snapshots go to all, a timeline to those that have it
 * open. Takes its surroundings as parameters, so that tests run it without a worker.
 */
import type { Engine, EngineApi, EngineMethod, EngineSnapshot, TimelineView } from '../../../engine/api.ts';
import { LanyingError } from '../../../engine/api.ts';
import type { Passkeys } from '../../../engine/ports.ts';
import { createAskingPages, type Page } from './asking-pages.ts';
import { type CallRequest, type Channel, type Outcome, settle, type ToPage, toWire, type ToWorker, type WorkerState } from './wire.ts';

type ConversationId = TimelineView['conversationId'];

export interface HostSurroundings {
  createEngine(passkeys: Passkeys): Promise<Engine>;
  /**
   * Holds the one lock of the profile until `lost` fires. Resolves once held; `onWaiting` is called when somebody else
   * has it. With `steal` it is taken from them.
   */
  acquire(options: { readonly steal: boolean; onWaiting(): void; onLost(): void }): Promise<void>;
  /** Calls back when the page that holds the lock has gone. */
  onPageGone(lock: string, gone: () => void): void;
}

export interface EngineHostWorker {
  connect(channel: Channel<ToWorker, ToPage>): void;
}

/** Calls during which a page may be asked for a passkey. */
const ceremonies: ReadonlySet<EngineMethod> = new Set<EngineMethod>(['prepareAccount', 'finishAccount', 'signInWithPasskey', 'unlockWithPasskey', 'addPasskeyUnlocker', 'signInSecondStep', 'addPasskey', 'stepUpWithPasskey']);

interface Connected extends Page {
  readonly channel: Channel<ToWorker, ToPage>;
  readonly open: Set<ConversationId>;
}

/** One call by its name. The compiler cannot relate a method to its own parameters across a union, hence the one widening. */
function invoke(engine: EngineApi, request: CallRequest): Promise<unknown> {
  const method = engine[request.method] as (...input: readonly unknown[]) => Promise<unknown>;
  return method.apply(engine, [...request.input]);
}

class Host implements EngineHostWorker {
  readonly #surroundings: HostSurroundings;
  readonly #pages = new Set<Connected>();
  readonly #asking = createAskingPages();
  /** The latest view of each open timeline: a second page that opens it sees it at once. */
  readonly #views = new Map<ConversationId, TimelineView>();
  #state: WorkerState = 'waiting';
  #engine: Engine | null = null;
  #started = false;

  constructor(surroundings: HostSurroundings) {
    this.#surroundings = surroundings;
  }

  connect(channel: Channel<ToWorker, ToPage>): void {
    const page: Connected = { channel, open: new Set(), askCeremony: (id, request) => channel.post({ kind: 'ceremony', id, request }) };
    this.#pages.add(page);
    channel.listen((message) => this.#receive(page, message));
    if (this.#engine !== null) channel.post({ kind: 'snapshot', snapshot: this.#engine.snapshot() });
    channel.post({ kind: 'state', state: this.#state });
    if (this.#started) return;
    this.#started = true;
    this.#start(false).catch(() => this.#become('failed'));
  }

  #tell(message: ToPage): void {
    for (const page of this.#pages) page.channel.post(message);
  }

  #become(next: WorkerState): void {
    this.#state = next;
    this.#tell({ kind: 'state', state: next });
  }

  async #start(steal: boolean): Promise<void> {
    try {
      await this.#surroundings.acquire({ steal, onWaiting: () => this.#become('elsewhere'), onLost: () => this.#stop() });
      this.#adopt(await this.#surroundings.createEngine(this.#asking.passkeys));
      this.#become('ready');
    } catch (error) {
      this.#become(toWire(error).code === 'engine.busy_elsewhere' ? 'elsewhere' : 'failed');
    }
  }

  #adopt(engine: Engine): void {
    this.#engine = engine;
    engine.onSnapshot((snapshot: EngineSnapshot) => this.#tell({ kind: 'snapshot', snapshot }));
    engine.onTimeline((view) => {
      this.#views.set(view.conversationId, view);
      for (const page of this.#pages) if (page.open.has(view.conversationId)) page.channel.post({ kind: 'timeline', view });
    });
    this.#tell({ kind: 'snapshot', snapshot: engine.snapshot() });
  }

  #stop(): void {
    const old = this.#engine;
    this.#engine = null;
    this.#views.clear();
    for (const page of this.#pages) page.open.clear();
    this.#become('elsewhere');
    // It lost the lock: whatever it still wants to write, the store's fence refuses.
    old?.close().catch(() => undefined);
  }

  #isOpen(id: ConversationId): boolean {
    return [...this.#pages].some((page) => page.open.has(id));
  }

  async #closeTimeline(page: Connected, id: ConversationId): Promise<void> {
    if (!page.open.delete(id) || this.#isOpen(id)) return;
    this.#views.delete(id);
    await this.#engine?.closeTimeline(id);
  }

  #call(page: Connected, request: CallRequest): Promise<unknown> {
    const engine = this.#engine;
    if (engine === null) return Promise.reject(new LanyingError(this.#state === 'elsewhere' ? 'engine.busy_elsewhere' : 'engine.closed'));
    if (request.method === 'closeTimeline') return this.#closeTimeline(page, ...request.input);
    if (request.method === 'openTimeline') {
      const [id, around = null] = request.input;
      const shared = this.#isOpen(id);
      page.open.add(id);
      const view = this.#views.get(id);
      if (view !== undefined) page.channel.post({ kind: 'timeline', view });
      if (shared && around === null && view?.newer !== true) return Promise.resolve();
    }
    return ceremonies.has(request.method) ? this.#asking.during(page, () => invoke(engine, request)) : invoke(engine, request);
  }

  #leave(page: Connected): void {
    this.#asking.leave(page);
    // Best effort: the engine closes every timeline with itself.
    for (const id of page.open) this.#closeTimeline(page, id).catch(() => undefined);
    this.#pages.delete(page);
  }

  #receive(page: Connected, message: ToWorker): void {
    switch (message.kind) {
      case 'hello':
        return this.#surroundings.onPageGone(message.lock, () => this.#leave(page));
      case 'call':
        settle(this.#call(page, message.request)).then((outcome: Outcome<unknown>) => page.channel.post({ kind: 'result', id: message.id, outcome }), () => undefined);
        return undefined;
      case 'ceremony':
        return this.#asking.answer(page, message.id, message.outcome);
      case 'take-over':
        if (this.#state === 'elsewhere') this.#start(true).catch(() => this.#become('failed'));
        return undefined;
    }
  }
}

export const createEngineHost = (surroundings: HostSurroundings): EngineHostWorker => new Host(surroundings);
