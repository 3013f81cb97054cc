import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { isMac, type Shortcut, shortcutOf } from '../models/keyboard.ts';
import { usePreferences } from './context.tsx';

export const onMac = isMac(navigator.userAgent);

const takesText = (target: EventTarget | null): boolean => target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;

/** Keys of the main screen; under an open dialog they rest. */
export function useKeys(handlers: Partial<Record<Shortcut, () => void>>): void {
  const single = useStore(usePreferences(), (now) => now.questionKey);
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const shortcut = shortcutOf(event, { mac: onMac, writing: takesText(event.target), single });
      const handler = shortcut === null ? undefined : latest.current[shortcut];
      if (handler === undefined || event.defaultPrevented || document.querySelector('.overlay') !== null) return;
      event.preventDefault();
      handler();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [single]);
}
