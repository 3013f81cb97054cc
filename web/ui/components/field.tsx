import { type InputHTMLAttributes, type ReactNode, type Ref, useId } from 'react';

interface FieldProps extends Pick<InputHTMLAttributes<HTMLInputElement>, 'autoComplete' | 'type' | 'maxLength' | 'autoCapitalize' | 'spellCheck' | 'autoFocus' | 'placeholder' | 'inputMode'> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: ReactNode;
  /** Replaces the hint and marks the field. */
  readonly error?: string | null;
  readonly name?: string;
  readonly readOnly?: boolean;
  readonly code?: boolean;
  /** Stands inside of the field at its end, for example show/hide. */
  readonly action?: ReactNode;
  readonly prefix?: string;
  readonly ref?: Ref<HTMLInputElement>;
}

export function Field({ label, value, onChange, hint, error = null, action, prefix, code = false, ref, ...rest }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <div className={`field-box${error === null ? '' : ' field-box-invalid'}${code ? ' field-box-code' : ''}`}>
        {prefix === undefined ? null : (
          <span className="field-prefix" aria-hidden="true">
            {prefix}
          </span>
        )}
        <input
          id={id}
          ref={ref}
          className="field-input"
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          aria-invalid={error === null ? undefined : true}
          aria-describedby={note === undefined ? undefined : noteId}
          {...rest}
        />
        {action}
      </div>
      {note === undefined ? null : (
        <p className={error === null ? 'field-hint' : 'field-error'} id={noteId}>
          {note}
        </p>
      )}
    </div>
  );
}
