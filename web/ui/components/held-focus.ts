import { type RefObject, useEffect } from 'react';

/** What had the focus is gone or hidden. Chromium moves the focus of something hidden only with the next frame. */
export function isFocusLost(): boolean {
  const active = document.activeElement;
  return active === null || active === document.body || !active.checkVisibility();
}

/**
 * What has the focus may go away with its row or its step: the focus then stays in the frame, and with it the reader's
 * place. Chromium sends no event for that, so that the tree itself is watched.
 */
export function useHeldFocus(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const watcher = new MutationObserver(() => {
      if (isFocusLost()) element.focus();
    });
    watcher.observe(element, { childList: true, subtree: true });
    return () => watcher.disconnect();
  }, [frame]);
}
