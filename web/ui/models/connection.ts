import type { ConnectionView } from './app.ts';

/** Shorter interruptions are not worth a word. */
export const bannerAfterMs = 800;

export type BannerView = { readonly kind: 'none' } | { readonly kind: 'connecting' } | { readonly kind: 'offline'; readonly queued: number };

/** `elapsedMs`: how long the connection has not been online. */
export function bannerOf(connection: ConnectionView, elapsedMs: number): BannerView {
  // A full disk has a notice of its own.
  if (connection.state === 'online' || connection.state === 'full' || elapsedMs < bannerAfterMs) return { kind: 'none' };
  return connection.state === 'connecting' ? { kind: 'connecting' } : { kind: 'offline', queued: connection.queued };
}
