/**
 * uWebSockets.js, checked: the package loads one prebuilt native addon for platform, architecture and Node's ABI and
 * throws when there is none; a bundler's or resolver's stand-in without the addon is refused as well.
 */
import { createRequire } from 'node:module';
import type { us_listen_socket, TemplatedApp } from 'uWebSockets.js';

declare module 'uWebSockets.js' {
  /** The addon has this overload; the package's types leave it out. */
  interface TemplatedApp {
    listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): TemplatedApp;
  }
}

export class RelayError extends Error {
  override readonly name = 'RelayError';
}

/** What we use of the module. */
export interface Relay {
  App(): TemplatedApp;
  us_listen_socket_close(socket: us_listen_socket): void;
  us_socket_local_port(socket: us_listen_socket): number;
  /** Path of the loaded addon. */
  readonly addon: string;
}

/** Throws RelayError in words that say what to do. */
export async function loadRelay(): Promise<Relay> {
  let relay;
  try {
    relay = await import('uWebSockets.js');
  } catch {
    throw new RelayError(
      `The native relay (uWebSockets.js) has no build for ${process.platform} ${process.arch} with Node ${process.versions.node}: use Node 20 or 22 on glibc Linux, macOS or Windows.`,
    );
  }
  const binary = new RegExp(`uws_${process.platform}_${process.arch}_${process.versions.modules}\\.node$`);
  const addon = Object.keys(createRequire(import.meta.url).cache).find((path) => binary.test(path));
  if (addon === undefined || typeof relay.App !== 'function') {
    throw new RelayError('The native relay (uWebSockets.js) did not load its native addon, and lanying does not run on a stand-in: install again with `npm ci`.');
  }
  return {
    App: () => relay.App(),
    us_listen_socket_close: (socket) => relay.us_listen_socket_close(socket),
    us_socket_local_port: (socket) => relay.us_socket_local_port(socket),
    addon,
  };
}
