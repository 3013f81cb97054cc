import type { Ref } from 'react';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';
import { totpDigits } from '../models/sign-in.ts';

/** The six digits of an authenticator app; browsers offer them by themselves. */
export function CodeField({ value, onChange, autoFocus = false, ref }: { readonly value: string; readonly onChange: (digits: string) => void; readonly autoFocus?: boolean; readonly ref?: Ref<HTMLInputElement> }) {
  const { t } = useText();
  return (
    <Field
      {...(ref === undefined ? {} : { ref })}
      label={t('totp.code')}
      hint={t('totp.code_hint')}
      value={value}
      onChange={(typed) => onChange(totpDigits(typed))}
      inputMode="numeric"
      autoComplete="one-time-code"
      autoFocus={autoFocus}
      spellCheck={false}
      code
    />
  );
}
