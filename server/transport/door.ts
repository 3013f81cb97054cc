/** The whole door: sessions, fan-out and the app, joined around one router, and the way it stops. */
import { cookieForm } from '../session/cookie.ts';
import { Directory } from '../session/directory.ts';
import { createDispatch } from '../session/dispatch.ts';
import { startFanOut } from '../session/fan-out.ts';
import { InFlight } from '../session/in-flight.ts';
import type { JsonForm, PostParts } from '../session/post.ts';
import type { EventBus, FileDesk, Router, Runtime, SessionLookup, Views } from '../session/seam.ts';
import type { Ops } from '../ops/ops.ts';
import { createApp } from './app.ts';
import { FileRoutes } from './files.ts';
import { securityHeaders } from './headers.ts';
import { loadRelay } from './native.ts';
import { loadStaticFiles } from './static-files.ts';

/** How long calls under way may take once the server is asked to stop. */
export const drainMsMax = 10_000;

export interface DoorParts {
  readonly origin: string;
  readonly bind: string;
  readonly port: number;
  /** Folder of the built web client; may be missing. */
  readonly webFolder: string;
  readonly openApi: string;
  readonly router: Router;
  readonly bus: EventBus;
  readonly sessions: SessionLookup;
  /** Null: no files. */
  readonly desk: FileDesk | null;
  readonly views: Views;
  readonly json: JsonForm;
  readonly cookieValue: PostParts['cookieValue'];
  readonly ops: Ops;
  readonly runtime: Runtime;
  /** TCP connections, sockets among them, for which there are descriptors. */
  readonly connectionsMax: number;
  /** Why the server cannot work, as fixed words; empty when it can. */
  readonly unready: () => readonly string[];
  /** [Z1] Nothing can be stored now. */
  readonly full: () => boolean;
}

export interface Door {
  /** Resolves to the port. Throws RelayError when it cannot listen. */
  listen(): Promise<number>;
  /** Takes no new calls, tells sockets, waits for calls under way (at most drainMsMax), then cuts what is left. */
  drain(): Promise<void>;
}

/** Throws RelayError or StaticFilesError when it cannot be built. */
export async function createDoor(parts: DoorParts): Promise<Door> {
  const { ops, runtime, sessions } = parts;
  const relay = await loadRelay();
  const directory = new Directory();
  const inFlight = new InFlight();
  const dispatch = createDispatch({ router: parts.router, ops, runtime, inFlight });
  const { origin, desk } = parts;
  const cookie = cookieForm(origin);
  const fileRoutes = desk === null ? null : new FileRoutes({ origin, cookie, security: securityHeaders(origin), sessions, desk, ops, runtime });
  const app = createApp({
    relay,
    origin,
    bind: parts.bind,
    port: parts.port,
    files: loadStaticFiles(parts.webFolder),
    openApi: parts.openApi,
    fileRoutes,
    post: { origin, cookie, dispatch, sessions, json: parts.json, cookieValue: parts.cookieValue },
    connections: { dispatch, directory, ops, runtime, byId: (sessionId) => sessions.byId(sessionId), full: parts.full },
    ops,
    runtime,
    connectionsMax: parts.connectionsMax,
    unready: parts.unready,
  });
  const stopFanOut = startFanOut({
    bus: parts.bus,
    directory,
    views: parts.views,
    ops,
    runtime,
    publish: (topic, frame) => app.publish(topic, frame),
  });
  return {
    listen: () => app.listen(),
    async drain() {
      app.drain();
      for (const connection of directory.all()) connection.drain();
      await within(runtime, drainMsMax, inFlight.idle());
      // The last answers go out in this turn; a turn later they are with the kernel.
      await new Promise<void>((resolve) => runtime.after(0, resolve));
      for (const connection of directory.all()) connection.goAway();
      stopFanOut();
      await new Promise<void>((resolve) => runtime.after(0, resolve));
      app.close();
      ops.stopped(inFlight.count);
    },
  };
}

async function within(runtime: Runtime, milliseconds: number, work: Promise<void>): Promise<void> {
  let stop = (): void => undefined;
  const late = new Promise<void>((resolve) => {
    const timer = runtime.after(milliseconds, resolve);
    stop = () => timer.cancel();
  });
  await Promise.race([work, late]);
  stop();
}
