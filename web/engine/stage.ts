/** Where the account of this device stands, and how screens are told. */
import type { Output } from '#protocol/commands/index.ts';
import type { AccountView } from './api.ts';
import type { Home } from './home.ts';
import { meOf } from './views.ts';

export type Session = Output<'session.get'>;

export type Stage =
  | { readonly kind: 'starting' }
  | { readonly kind: 'signed-out'; readonly setupNeeded: boolean; readonly passwordLengthMin: number; readonly reason: 'none' | 'session_ended' }
  /** Signed in; whether this browser is a device of the person is not settled. */
  | { readonly kind: 'arriving'; readonly session: Session }
  | { readonly kind: 'locked'; readonly session: Session; readonly passkeyCanUnlock: boolean }
  | { readonly kind: 'home'; readonly home: Home; readonly synced: boolean };

export function accountView(stage: Stage): AccountView {
  switch (stage.kind) {
    case 'starting':
    case 'arriving':
      return { state: 'starting' };
    case 'signed-out':
      return { state: 'signed-out', setupNeeded: stage.setupNeeded, passwordLengthMin: stage.passwordLengthMin, reason: stage.reason };
    case 'locked': {
      const { handle, displayName } = stage.session.person;
      return { state: 'vault-locked', handle, displayName, passkeyCanUnlock: stage.passkeyCanUnlock };
    }
    case 'home':
      return { state: 'ready', me: meOf(stage.home.me) };
  }
}
