/** How a connection is handed over when its session is looked up in a later turn, as on a disk. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TemplatedApp, WebSocketBehavior } from 'uWebSockets.js';
import type { UserId } from '#protocol/ids.ts';
import type { SessionRecord } from '../../../server/session/seam.ts';
import { type OpenDoor, openDoor, randomId } from '../../harness/door.ts';
import { ScriptedRouter } from '../../harness/scripted-router.ts';

type Behavior = WebSocketBehavior<Record<string, unknown>>;

/** Whose corks were open, outermost first, at each upgrade. */
let upgrades: string[][] = [];
let corks: string[] = [];

const corking = (name: string, cork: (run: () => void) => unknown) => (run: () => void) =>
  cork(() => {
    corks.push(name);
    run();
    corks.pop();
  });

/** The real thing, looked at. */
function watched({ upgrade, open, ...rest }: Behavior): Behavior {
  return {
    ...rest,
    upgrade: (res, req, context) => {
      const [cork, hand] = [res.cork.bind(res), res.upgrade.bind(res)];
      Object.assign(res, {
        cork: corking('response', cork),
        upgrade: (...input: Parameters<typeof hand>) => {
          upgrades.push([...corks]);
          hand(...input);
        },
      });
      return upgrade?.(res, req, context);
    },
    open: (ws) => {
      Object.assign(ws, { cork: corking('socket', ws.cork.bind(ws)) });
      return open?.(ws);
    },
  };
}

vi.mock(import('../../../server/transport/native.ts'), async (original) => {
  const native = await original();
  const loadRelay = async () => {
    const relay = await native.loadRelay();
    const App = (): TemplatedApp => {
      const app = relay.App();
      const ws = app.ws.bind(app);
      return Object.assign(app, { ws: (path: string, behavior: Behavior) => ws(path, watched(behavior)) });
    };
    return { ...relay, App };
  };
  return { ...native, loadRelay };
});

let door: OpenDoor;
beforeEach(async () => {
  [upgrades, corks] = [[], []];
  const later = async (value: string): Promise<SessionRecord | null> => {
    await new Promise((resolve) => setImmediate(resolve));
    return door.sessions.get(value) ?? null;
  };
  const byId = async (sessionId: string) =>
    [...door.sessions.values()].find((session) => session.sessionId === sessionId) ?? null;
  door = await openDoor({ router: new ScriptedRouter(), overrides: { sessions: { authenticate: later, byId } } });
});
afterEach(() => door.stop());

test('a connection is upgraded inside the cork of a socket that is open: by its own the relay could take it for one to close', async () => {
  const open = () => door.socket(door.signIn(randomId<UserId>()).cookie);
  const first = await open();
  const second = await open();
  first.close();
  await first.closeCode();
  const third = await open();
  for (const socket of [second, third]) expect(socket.frames[0]).toMatchObject({ name: 'ready' });
  expect(upgrades).toEqual([['response'], ['socket', 'response'], ['socket', 'response']]);
});
