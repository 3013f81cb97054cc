import { LanyingError } from '../../engine/api.ts';
import type { Passkeys } from '../../engine/ports.ts';

/** No authenticator and nobody to touch it. */
export const nodePasskeys: Passkeys = {
  create: () => Promise.reject(new LanyingError('passkey.unsupported')),
  get: () => Promise.reject(new LanyingError('passkey.unsupported')),
};
