import { type ReactNode, useEffect, useState } from 'react';

/** A failure, announced when it appears. */
export function ErrorNote({ children }: { readonly children: ReactNode }) {
  return (
    <p className="note note-danger" role="alert">
      {children}
    </p>
  );
}
export function Note({ children }: { readonly children: ReactNode }) {
  return <p className="note">{children}</p>;
}

/** Whether `ms` have passed since the component came up: what is ready sooner shows no skeleton. */
export function useLater(ms: number): boolean {
  const [later, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return later;
}

/** Nothing for 200 ms, then the text: quick work shows no flicker. */
export function Waiting({ text }: { readonly text: string }) {
  const later = useLater(200);
  return (
    <p className="waiting" role="status">
      {later ? text : null}
    </p>
  );
}

export function Empty({ title, text, action }: { readonly title: string; readonly text: string; readonly action?: ReactNode }) {
  return (
    <div className="empty">
      <h2 className="empty-title">{title}</h2>
      <p className="empty-text">{text}</p>
      {action}
    </div>
  );
}
