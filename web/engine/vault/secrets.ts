/** What opens, wraps and hands over a vault key: one chunk of its own, with the cryptography that only this needs. */
export { giverOf, handOver, publishPoint, readPoint, takeOver } from './handover.ts';
export { earlierKeysMax, makeVaultKey, openIdentitySeed, sealIdentitySeed } from './identity-secret.ts';
export { resealArchive } from './resealing.ts';
export { rewrapVaultKey, unlockVault, wrapVaultKey } from './unlocker.ts';
