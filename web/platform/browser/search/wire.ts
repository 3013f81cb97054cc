/** Between a page and its search worker: built from one source at one time, so without versions. */
import type { SearchAnswer, SearchQuery } from '../../../engine/search/query.ts';

export type ToSearch =
  /** Answered at once with what is there, again as more is read, and again when something of it was written. */
  | { readonly kind: 'run'; readonly id: number; readonly query: SearchQuery }
  | { readonly kind: 'stop'; readonly id: number };

export type FromSearch =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: SearchAnswer }
  /** The store cannot be read. */
  | { readonly kind: 'failed'; readonly id: number }
  /** What it was made of is erased: this worker is at its end. */
  | { readonly kind: 'over' };
