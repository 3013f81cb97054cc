/** The model adapter: the promises of the port kept by maps. Nothing is sealed and nothing survives. */
import { type Store, StoreFailure } from '../../ports/store.ts';
import { MemoryAudit } from './audit.ts';
import { MemoryAccounts, MemoryInvites, MemorySessions } from './accounts.ts';
import { MemoryBlobs } from './blobs.ts';
import { MemoryConversations } from './conversations.ts';
import { MemoryDirectory } from './directory.ts';
import { MemoryDevices } from './devices.ts';
import { MemoryErasure } from './erasure.ts';
import { MemorySignInPolicy } from './policies.ts';
import { MemoryPeople } from './people.ts';
import { MemoryLeases, MemoryPurgeRegister, MemoryRetention } from './retention.ts';
import { Shelf } from './shelf.ts';
import { MemoryCeremonies, MemoryVaults } from './vaults.ts';

export function openMemoryStore(): Store {
  let open = true;
  const assertOpen = (): void => {
    if (!open) throw new StoreFailure('the store is closed');
  };
  const audit: MemoryAudit = new MemoryAudit(assertOpen, (gone) => shelf.count(gone));
  const directory = new MemoryDirectory();
  const shelf: Shelf = new Shelf(
    assertOpen,
    (acts) => audit.add(acts),
    (leaves) => directory.add(leaves),
  );
  const conversations = new MemoryConversations(shelf);
  return {
    accounts: new MemoryAccounts(shelf),
    sessions: new MemorySessions(shelf),
    invites: new MemoryInvites(shelf),
    devices: new MemoryDevices(shelf),
    people: new MemoryPeople(shelf),
    vaults: new MemoryVaults(shelf),
    conversations,
    ceremonies: new MemoryCeremonies(shelf),
    erasure: new MemoryErasure(shelf, conversations),
    retention: new MemoryRetention(shelf),
    purged: new MemoryPurgeRegister(),
    leases: new MemoryLeases(shelf),
    blobs: new MemoryBlobs(
      () => shelf.writing(),
      (gone) => shelf.count(gone),
    ),
    audit,
    signInPolicy: new MemorySignInPolicy(shelf),
    directory,
    // There is no folder to copy.
    checkpoints: { take: () => Promise.resolve(null) },
    isOpen: () => open,
    condition: () => (open ? 'open' : 'closed'),
    close: async () => {
      open = false;
    },
  };
}
