/** A server, a conversation of two, and a file client for each. */
import { expect } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { systemRuntime } from '../../../server/ops/system-runtime.ts';
import { FileClient } from '../../harness/files.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import { type Peer, talk } from '../commands/world.ts';
import { Served } from './served.ts';

export const dayMs = 24 * 3_600_000;

export interface FileRoom {
  readonly server: TestServer;
  readonly world: Served;
  readonly owner: Peer;
  readonly guest: Peer;
  readonly conversationId: ConversationId;
  readonly group: Awaited<ReturnType<typeof talk>>['state'];
  /** The owner's, and the guest's. */
  readonly alice: FileClient;
  readonly bob: FileClient;
  /** Added to the clocks. */
  readonly clocks: { wallMs: number; monotonicMs: number };
  clientOf(peer: Peer): FileClient;
}

export async function openFileRoom(): Promise<FileRoom> {
  const clocks = { wallMs: 0, monotonicMs: 0 };
  const server = await startServer({
    runtime: {
      ...systemRuntime,
      now: () => systemRuntime.now() + clocks.wallMs,
      monotonic: () => systemRuntime.monotonic() + clocks.monotonicMs,
    },
    files: { fileBytesMax: 30_000_000, personBytesMax: 40_000_000, totalBytesMax: 60_000_000 },
  });
  const world = new Served(server);
  const owner = await world.owner();
  const guest = await world.invited(owner, 'guest');
  const { conversationId, state: group } = await talk(world, owner, [guest]);
  const clientOf = (peer: Peer): FileClient => new FileClient(server.origin, world.cookie(peer));
  return {
    server,
    world,
    owner,
    guest,
    conversationId,
    group,
    alice: clientOf(owner),
    bob: clientOf(guest),
    clocks,
    clientOf,
  };
}

export const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

export async function created(client: FileClient, conversationId: ConversationId, size: number): Promise<string> {
  const { status, headers } = await client.create(conversationId, size);
  expect(status).toBe(201);
  return String(headers.location);
}

/** As the uploader hears it. */
export async function offsetOf(client: FileClient, path: string): Promise<string | undefined> {
  const { headers } = await client.call('HEAD', path);
  return headers['upload-offset']?.toString();
}
