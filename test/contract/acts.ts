/** An act for tests of what it is stored with. */
import type { ActName } from '#protocol/audit.ts';
import type { Act, Acts } from '../../server/ports/audit-store.ts';
import { startMs, userOf } from './people.ts';

export const act = (name: ActName = 'settings.changed', changes: Partial<Act> = {}): Act => ({
  act: name,
  time: startMs,
  actor: { kind: 'person', userId: userOf('ann') },
  object: { kind: 'server', id: 'test' },
  reason: null,
  before: null,
  after: null,
  requestId: 'request-1',
  personal: [{ subject: userOf('ann'), fields: { address: '192.0.2.1' } }],
  ...changes,
});

export const acts = (name: ActName = 'settings.changed', changes: Partial<Act> = {}): Acts => [act(name, changes)];
