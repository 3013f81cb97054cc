import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from '../components/button.tsx';
import { Field } from '../components/field.tsx';
import { useText } from '../i18n/text.ts';

export function PasswordField(props: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly autoComplete: 'new-password' | 'current-password';
  readonly hint?: string;
  readonly error?: string | null;
}) {
  const { t } = useText();
  const [shown, setShown] = useState(false);
  return (
    <Field
      label={t('factor.password')}
      type={shown ? 'text' : 'password'}
      name="password"
      autoCapitalize="off"
      spellCheck={false}
      {...props}
      action={
        <IconButton
          label={t(shown ? 'factor.hide' : 'factor.show')}
          icon={shown ? <EyeOff size={18} aria-hidden="true" /> : <Eye size={18} aria-hidden="true" />}
          onPress={() => setShown(!shown)}
        />
      }
    />
  );
}
