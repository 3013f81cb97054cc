import { ErrorNote } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import type { TaskState } from '../models/task.ts';

export function TaskError({ now }: { readonly now: TaskState }) {
  const { t } = useText();
  return now.state === 'failed' ? <ErrorNote>{t(`error.${now.code}`)}</ErrorNote> : null;
}
