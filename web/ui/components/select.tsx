import { useId } from 'react';

export interface SelectOption<T extends string> {
  readonly value: T;
  readonly label: string;
}
export interface SelectGroup<T extends string> {
  readonly label: string;
  readonly options: readonly SelectOption<T>[];
}

/** A native list of choices, in groups where there are any: every phone and screen reader knows it. */
export function Select<T extends string>({ label, value, onChange, options, groups = [] }: {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly SelectOption<T>[];
  readonly groups?: readonly SelectGroup<T>[];
}) {
  const id = useId();
  const all = [...options, ...groups.flatMap((group) => group.options)];
  const item = (option: SelectOption<T>) => (
    <option key={option.value} value={option.value}>
      {option.label}
    </option>
  );
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <div className="field-box">
        <select
          id={id}
          className="field-select"
          value={value}
          onChange={(event) => {
            const chosen = all.find((option) => option.value === event.currentTarget.value);
            if (chosen !== undefined) onChange(chosen.value);
          }}
        >
          {options.map(item)}
          {groups.map((group) => (
            <optgroup key={group.label} label={group.label}>
              {group.options.map(item)}
            </optgroup>
          ))}
        </select>
      </div>
    </div>
  );
}
