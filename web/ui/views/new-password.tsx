import { useText } from '../i18n/text.ts';
import { passwordError, passwordLength, strength } from '../models/account.ts';
import { PasswordField } from './password-field.tsx';

/** A password that is being chosen, with its meter. `tried`: it was sent off once, so what is wrong is said. */
export function NewPassword({ handle, value, onChange, lengthMin, tried }: {
  readonly handle: string;
  readonly value: string;
  readonly onChange: (password: string) => void;
  readonly lengthMin: number;
  readonly tried: boolean;
}) {
  const { t } = useText();
  const problem = passwordError(value, lengthMin);
  const long = strength(value, lengthMin);
  const hint = value === '' ? t('factor.password_hint', { count: lengthMin }) : t(`strength.${long}`, { count: lengthMin - passwordLength(value) });
  return (
    <>
      <input type="text" name="username" autoComplete="username" value={handle} readOnly hidden />
      <PasswordField value={value} onChange={onChange} autoComplete="new-password" hint={hint} error={tried && problem !== null ? t(problem, { count: lengthMin }) : null} />
      <meter className={`strength strength-${long}`} aria-hidden="true" min={0} max={28} value={Math.min(28, passwordLength(value))} />
    </>
  );
}
