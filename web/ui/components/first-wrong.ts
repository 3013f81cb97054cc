import { flushSync } from 'react-dom';

/** Marks what is wrong in a form and brings the focus to the first of it, where its message is read out. */
export function markWrong(form: HTMLFormElement | null, mark: () => void): void {
  flushSync(mark);
  form?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
}
