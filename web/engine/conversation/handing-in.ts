/** Hands in what waits on this device once the log was read: commits on their way, messages, archive items. */
import { LanyingError } from '../api.ts';
import type { Connection } from '../connection.ts';
import type { Rooms } from '../rooms.ts';
import type { Outbox } from './outbox.ts';

/** One conversation's trouble keeps no other one waiting; the first trouble is thrown behind all of them. */
export async function handIn(rooms: Rooms, outbox: Outbox, connection: Connection): Promise<void> {
  let trouble: LanyingError | null = null;
  for (const room of rooms.all()) {
    // Asked again when there is room: until then it would be refused for every conversation ([E13]).
    if (!connection.writable) return;
    try {
      await room.exclusively(async () => {
        if (room.state.pending !== null && room.halted === null) await room.settle();
      });
      await outbox.flush(room);
      await rooms.archive(room);
    } catch (cause) {
      if (!(cause instanceof LanyingError) || cause.code === 'network.unreachable') throw cause;
      trouble ??= cause;
    }
  }
  if (trouble !== null && connection.writable) throw trouble;
}
