import { useState } from 'react';
import type { PersonView, UserId } from '../models/app.ts';
import { face, filterPeople } from '../models/people.ts';
import { Avatar } from '../components/avatar.tsx';
import { Field } from '../components/field.tsx';

export interface PersonPickerProps {
  readonly people: readonly PersonView[];
  readonly chosen: ReadonlySet<UserId>;
  readonly onChange: (chosen: ReadonlySet<UserId>) => void;
  readonly texts: { readonly filter: string; readonly list: string; readonly none: string };
}

/** People as check boxes under a filter; choosing survives a change of the filter. */
export function PersonPicker({ people, chosen, onChange, texts }: PersonPickerProps) {
  const [query, setQuery] = useState('');
  const shown = filterPeople(people, query);
  const toggle = (userId: UserId): void => {
    const next = new Set(chosen);
    if (!next.delete(userId)) next.add(userId);
    onChange(next);
  };
  return (
    <>
      {/* On a phone the keyboard would cover the people. */}
      <Field label={texts.filter} value={query} onChange={setQuery} type="search" autoComplete="off" autoFocus={window.matchMedia('(pointer: fine)').matches} />
      <fieldset className="picker">
        <legend className="sr-only">{texts.list}</legend>
        {shown.map((person) => (
          <label key={person.userId} className="picker-row">
            <input type="checkbox" checked={chosen.has(person.userId)} onChange={() => toggle(person.userId)} />
            <Avatar face={face(person.displayName, person.userId)} size={36} />
            <span className="picker-name">{person.displayName}</span>
            <span className="picker-handle">@{person.handle}</span>
          </label>
        ))}
        {shown.length === 0 ? <p className="field-hint">{texts.none}</p> : null}
      </fieldset>
    </>
  );
}
