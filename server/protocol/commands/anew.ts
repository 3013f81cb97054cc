import * as v from 'valibot';
import { bytes } from '../envelope.ts';
import * as limits from '../limits.ts';
import { NewDevice, NewKeyPackage, Unlocker } from '../model.ts';
import { row } from './row.ts';
import { SignedInSession } from './shapes.ts';

export const anewCommands = {
  'account.startAnew': row({
    summary:
      'For somebody who lost every device and unlocker: another identity, vault and first device; the history stays closed.',
    input: v.strictObject({
      identityKey: bytes(32, 32),
      device: NewDevice,
      keyPackages: v.pipe(v.array(NewKeyPackage), v.maxLength(2 * limits.keyPackagesPerPublishMax)),
      vault: v.strictObject({
        sealed: bytes(limits.vaultBytesMax, 1),
        unlockers: v.pipe(v.array(v.omit(Unlocker, ['createdAt'])), v.maxLength(limits.unlockersMax)),
      }),
    }),
    output: SignedInSession,
    errors: ['device.refused', 'key_package.invalid', 'vault.unlockers_missing'],
    who: 'person',
    resource: 'self',
    stepUp: true,
    audited: ['key.reset'],
  }),
};
