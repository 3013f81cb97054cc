import { ArrowUp } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import { IconButton } from '../components/button.tsx';
import { ErrorNote } from '../components/notes.tsx';
import { useText } from '../i18n/text.ts';
import { codeOf, type ConversationView, type EngineErrorCode } from '../models/app.ts';
import { composerKey, draftAfterMs, lineCount, sendable, typingEveryMs } from '../models/composer.ts';
import { shortTitle } from '../models/people.ts';
import { useApp } from './context.tsx';

/** Text that survives everything: kept in the model at each key, handed to the engine shortly after. */
function useDraft(conversation: ConversationView): readonly [string, (text: string) => void, (text: string) => void] {
  const app = useApp();
  const id = conversation.conversationId;
  const [text, setText] = useState(() => app.drafts.get(id) ?? conversation.draft);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const unsaved = useRef<string | null>(null);
  const save = useCallback((): void => {
    clearTimeout(timer.current);
    const draft = unsaved.current;
    unsaved.current = null;
    // A draft that could not be stored is still in the model; the next key tries again.
    if (draft !== null) app.actions.setDraft(id, draft).catch(() => undefined);
  }, [app, id]);
  useEffect(() => save, [save]);
  const set = (next: string): void => {
    setText(next);
    app.drafts.set(id, next);
    unsaved.current = next;
    clearTimeout(timer.current);
    timer.current = setTimeout(save, draftAfterMs);
  };
  const setNow = (next: string): void => {
    set(next);
    save();
  };
  return [text, set, setNow];
}

export function Composer({ conversation, title }: { readonly conversation: ConversationView; readonly title: string }) {
  const { t } = useText();
  const app = useApp();
  const id = conversation.conversationId;
  const [text, setText, setTextNow] = useDraft(conversation);
  const [failed, setFailed] = useState<EngineErrorCode | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const typedAt = useRef(0);
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (window.matchMedia('(min-width: 760px) and (pointer: fine)').matches) field.current?.focus();
  }, [id]);
  const send = (): void => {
    if (!sendable(text)) return;
    setFailed(null);
    setTextNow('');
    typedAt.current = 0;
    app.actions.send(id, text).catch((error: unknown) => {
      setFailed(codeOf(error));
      setText(text);
    });
    field.current?.focus();
  };
  const change = (next: string): void => {
    setText(next);
    setFailed(null);
    const now = performance.now();
    if (next === '' || (typedAt.current !== 0 && now - typedAt.current < typingEveryMs)) return;
    typedAt.current = now;
    // A lost typing signal is worth nothing.
    app.actions.typing(id).catch(() => undefined);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    const { key, shiftKey, ctrlKey, altKey, metaKey, keyCode } = event;
    if (composerKey({ key, shiftKey, ctrlKey, altKey, metaKey, keyCode, isComposing: event.nativeEvent.isComposing }) === 'none') return;
    event.preventDefault();
    send();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    send();
  };
  return (
    <form className="foot" onSubmit={submit}>
      {failed === null ? null : <ErrorNote>{t(`error.${failed}`)}</ErrorNote>}
      <div className="composer">
        <textarea
          ref={field}
          className="composer-field"
          aria-label={t('composer.name')}
          placeholder={t('composer.placeholder', { title: shortTitle(title, 22) })}
          rows={lineCount(text)}
          value={text}
          onChange={(event) => change(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          enterKeyHint="send"
          autoComplete="off"
        />
        <IconButton label={t('composer.send')} icon={<ArrowUp size={20} aria-hidden="true" />} type="submit" kind="primary" disabled={!sendable(text)} placement="top" />
      </div>
    </form>
  );
}
