import type { CommandName } from '#protocol/commands/index.ts';
import { answer, deviceOf, type Handlers, personOf } from './handler.ts';
import type { Services } from './services.ts';

type Names = Extract<CommandName, `people.${string}` | `vault.${string}` | `vaultItem.${string}` | `archive.${string}` | 'device.list' | 'keyPackage.claim'>;

export function peopleHandlers({ devices, people, vaults }: Services): Handlers<Names> {
  return {
    'people.list': async (input) => answer(await people.list(input)),
    'people.find': async (input) => answer(await people.find(input)),
    'device.list': async ({ userIds }) => answer(await devices.list(userIds)),
    'keyPackage.claim': async (input) => ({ result: await devices.claim(input) }),
    'vault.get': async (_input, caller) => answer(await vaults.get(personOf(caller).person.userId)),
    'vault.update': async (input, caller) => ({ result: await vaults.update(deviceOf(caller).person.userId, input, caller.audit) }),
    'archive.put': async (input, caller) => ({ result: await vaults.archive(deviceOf(caller).person.userId, input) }),
    'archive.reseal': async (input, caller) => answer(await vaults.reseal(deviceOf(caller).person.userId, input)),
    'archive.get': async (input, caller) => answer(await vaults.archived(personOf(caller).person.userId, input)),
    'vaultItem.put': async (input, caller) => ({ result: await vaults.putItem(deviceOf(caller).person.userId, input) }),
    'vaultItem.get': async ({ name }, caller) => answer(await vaults.item(personOf(caller).person.userId, name)),
  };
}
