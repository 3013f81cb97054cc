import * as v from 'valibot';
import { SessionId } from '../ids.ts';
import { SessionView } from '../sign-in.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});
const Ended = v.strictObject({ ended: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

export const sessionCommands = {
  'session.list': row({
    summary: "One's own sessions, the one that asks first, then latest use first: where in the network, in which browser and how each was begun.",
    input: Empty,
    output: v.strictObject({ sessions: v.array(SessionView) }),
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: { not: 'reads' },
  }),
  'session.revoke': row({
    summary: "End one of one's own sessions at once, on open sockets too.",
    input: v.strictObject({ sessionId: SessionId }),
    output: Empty,
    errors: ['session.unknown'],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: ['session.ended'],
  }),
  'session.revokeOthers': row({
    summary: "End all of one's own sessions but the one that asks.",
    input: Empty,
    output: Ended,
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    audited: ['session.ended'],
  }),
  'session.revokeAll': row({
    summary: "End all of one's own sessions, the one that asks too.",
    input: Empty,
    output: Ended,
    errors: [],
    who: 'person',
    resource: 'self',
    beforehand: true,
    httpOnly: true,
    stepUp: true,
    audited: ['session.ended'],
  }),
};
