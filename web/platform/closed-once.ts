/** Turns the many ways in which a socket ends into exactly one call. */
import type { SocketHandlers } from '../engine/ports.ts';

export interface OpenHandlers extends SocketHandlers {
  readonly isClosed: () => boolean;
}

/** Nothing is passed on after the close. */
export function closedOnce(handlers: SocketHandlers): OpenHandlers {
  let closed = false;
  return {
    isClosed: () => closed,
    onOpen: () => {
      if (!closed) handlers.onOpen();
    },
    onFrame: (frame) => {
      if (!closed) handlers.onFrame(frame);
    },
    onClose: () => {
      if (closed) return;
      closed = true;
      handlers.onClose();
    },
  };
}
