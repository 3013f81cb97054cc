import type { Engine } from '../../engine/api.ts';

/**
 * Where the engine of this browser profile is. `elsewhere`: another tab (or an older version of the page) holds it.
 * `failed`: the worker could not be started at all.
 */
export type HostState = 'connecting' | 'ready' | 'elsewhere' | 'failed';

/** What screens need from whoever hosts the engine; web/platform/browser/host implements it, demos and tests too. */
export interface EngineHost {
  readonly engine: Engine;
  state(): HostState;
  onState(listener: () => void): () => void;
  /** Makes this tab the one that runs the engine. */
  takeOver(): void;
}
