import { expect, test } from 'vitest';
import type { DeviceId, SessionId, UserId } from '#protocol/ids.ts';
import { type SessionState, transition } from '../../../server/session/state.ts';
import { randomId } from '../../harness/door.ts';

const device = randomId<DeviceId>();
const session = { sessionId: randomId<SessionId>(), secretHash: new Uint8Array(32), userId: randomId<UserId>(), deviceId: null, createdAt: 0, expiresAt: 1 };
const opening: SessionState = { kind: 'opening', bound: null };
const ready: SessionState = { kind: 'ready', session };

test('opening → ready as a person, or as the device that it was bound to meanwhile', () => {
  expect(transition(opening, { kind: 'authenticated', session })).toEqual(ready);
  const bound = transition(opening, { kind: 'bound', deviceId: device });
  expect(transition(bound, { kind: 'authenticated', session })).toEqual({ kind: 'ready', session: { ...session, deviceId: device } });
});

test('ready as a person → ready as a device', () => {
  expect(transition(ready, { kind: 'bound', deviceId: device })).toEqual({ kind: 'ready', session: { ...session, deviceId: device } });
});

test('a closing session stays closing, whatever comes late, until its socket is gone', () => {
  for (const state of [opening, ready]) {
    const closing = transition(state, { kind: 'close', code: 1007 });
    expect(closing).toEqual({ kind: 'closing', code: 1007 });
    for (const late of [{ kind: 'bound', deviceId: device }, { kind: 'authenticated', session }, { kind: 'close', code: 4001 }] as const) {
      expect(transition(closing, late)).toBe(closing);
    }
    const closed = transition(closing, { kind: 'gone' });
    expect(closed).toEqual({ kind: 'closed' });
    expect(transition(closed, { kind: 'close', code: 4001 })).toBe(closed);
  }
});

test('a socket is authenticated once', () => {
  expect(() => transition(ready, { kind: 'authenticated', session })).toThrow('once');
});
