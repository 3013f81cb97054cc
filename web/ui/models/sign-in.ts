/** Signing in with a password: done, or on to the second step. */
import { type EngineApi, LanyingError } from '../../engine/api.ts';

export const secondSteps = ['passkey', 'totp', 'recovery-code'] as const;
export type SecondStep = (typeof secondSteps)[number];

/** Null when signed in; else what may follow, the quickest first. Any other refusal rejects. */
export async function signInByPassword(actions: Pick<EngineApi, 'signInWithPassword'>, handle: string, password: string, label: string): Promise<readonly SecondStep[] | null> {
  try {
    await actions.signInWithPassword(handle.trim().toLowerCase(), password, label);
    return null;
  } catch (error) {
    if (!(error instanceof LanyingError) || error.code !== 'second_step.required') throw error;
    return secondSteps.filter((step) => error.detail.methods?.includes(step) === true);
  }
}

/** Six digits as they are typed, with whatever a phone puts between. */
export const totpDigits = (typed: string): string => typed.replace(/\D/g, '').slice(0, 6);
export const isTotp = (typed: string): boolean => totpDigits(typed).length === 6;

/** A secret or code in fours, for typing it off a screen. */
export const inFours = (text: string): string => (text.replace(/[\s-]/g, '').match(/.{1,4}/g) ?? []).join(' ');
