/** The life of one socket's session: one union, one transition function (HOUSE rule 4). */
import type { DeviceId } from '#protocol/ids.ts';
import type { SessionRecord } from '../ports/store.ts';

export type SessionState =
  /** Upgraded with a good cookie; being looked up once more now that bus events reach it. */
  | { readonly kind: 'opening'; readonly bound: DeviceId | null }
  /** `session.deviceId` null: a signed-in person; else a device of theirs. */
  | { readonly kind: 'ready'; readonly session: SessionRecord }
  /** A close frame is on its way; nothing is read or sent any more. */
  | { readonly kind: 'closing'; readonly code: number }
  | { readonly kind: 'closed' };

export type SessionChange =
  | { readonly kind: 'authenticated'; readonly session: SessionRecord }
  | { readonly kind: 'bound'; readonly deviceId: DeviceId }
  | { readonly kind: 'close'; readonly code: number }
  | { readonly kind: 'gone' };

/** The next state; the very same one when the change comes too late to matter. */
export function transition(state: SessionState, change: SessionChange): SessionState {
  if (change.kind === 'gone') return { kind: 'closed' };
  switch (state.kind) {
    case 'opening':
      switch (change.kind) {
        case 'authenticated':
          return { kind: 'ready', session: state.bound === null ? change.session : { ...change.session, deviceId: state.bound } };
        case 'bound':
          return { kind: 'opening', bound: change.deviceId };
        case 'close':
          return { kind: 'closing', code: change.code };
      }
      break;
    case 'ready':
      switch (change.kind) {
        case 'authenticated':
          throw new Error('a socket is authenticated once');
        case 'bound':
          return { kind: 'ready', session: { ...state.session, deviceId: change.deviceId } };
        case 'close':
          return { kind: 'closing', code: change.code };
      }
      break;
    case 'closing':
    case 'closed':
      return state;
  }
}
