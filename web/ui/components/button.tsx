import type { ReactNode, Ref } from 'react';
import { Button as AriaButton, Tooltip, TooltipTrigger } from 'react-aria-components';

export interface ButtonProps {
  readonly children: ReactNode;
  readonly onPress?: () => void;
  readonly kind?: 'primary' | 'plain' | 'danger' | 'quiet';
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  /** Shows that the call is under way; the name and the focus stay, and a task ignores further presses. */
  readonly busy?: boolean;
  readonly wide?: boolean;
  readonly label?: string;
  readonly autoFocus?: boolean;
}

export function Button({ children, onPress, kind = 'plain', type = 'button', disabled = false, busy = false, wide = false, label, autoFocus = false }: ButtonProps) {
  return (
    <AriaButton
      type={type}
      isDisabled={disabled}
      autoFocus={autoFocus}
      className={`button button-${kind}${wide ? ' button-wide' : ''}${busy ? ' button-busy' : ''}`}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...(onPress === undefined ? {} : { onPress })}
    >
      {children}
    </AriaButton>
  );
}

export interface IconButtonProps {
  /** Name for screen readers and the tooltip. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly onPress?: () => void;
  readonly type?: 'button' | 'submit';
  readonly kind?: 'quiet' | 'primary';
  readonly disabled?: boolean;
  readonly expanded?: boolean;
  readonly placement?: 'top' | 'bottom';
  readonly ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ label, icon, onPress, type = 'button', kind = 'quiet', disabled = false, expanded, placement = 'bottom', ref }: IconButtonProps) {
  return (
    <TooltipTrigger delay={500} closeDelay={50}>
      <AriaButton
        {...(ref === undefined ? {} : { ref })}
        type={type}
        aria-label={label}
        isDisabled={disabled}
        className={`icon-button icon-button-${kind}`}
        {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
        {...(onPress === undefined ? {} : { onPress })}
      >
        {icon}
      </AriaButton>
      <Tooltip className="tooltip" placement={placement} offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}
