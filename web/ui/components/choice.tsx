import { type ReactNode, useId } from 'react';

export interface ChoiceOption<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: ReactNode;
  readonly badge?: string;
}

/** A group of native radio buttons; `cards` gives each a frame and a hint. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly options: readonly ChoiceOption<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly cards?: boolean;
  readonly hideLabel?: boolean;
}) {
  const name = useId();
  return (
    <fieldset className={props.cards === true ? 'choice choice-cards' : 'choice'}>
      <legend className={props.hideLabel === true ? 'sr-only' : 'field-label'}>{props.label}</legend>
      <div className="choice-options">
        {props.options.map((option) => (
          <label key={option.value} className="choice-option">
            <input
              type="radio"
              name={name}
              checked={option.value === props.value}
              onChange={() => props.onChange(option.value)}
              {...(option.hint === undefined ? {} : { 'aria-describedby': `${name}-${option.value}` })}
            />
            <span className="choice-text">
              <span className="choice-label">{option.label}</span>
              {option.badge === undefined ? null : <span className="badge-soft">{option.badge}</span>}
            </span>
            {option.hint === undefined ? null : (
              <span className="choice-hint" id={`${name}-${option.value}`}>
                {option.hint}
              </span>
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
