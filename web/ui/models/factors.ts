/** What one can sign in with, as the page on security shows it. */
import type { AskedOutput } from './app.ts';
import { inFours } from './sign-in.ts';

export type FactorsView = AskedOutput<'factor.list'>;
export type PasskeyItem = FactorsView['passkeys'][number];
export type TotpBegun = AskedOutput<'totp.begin'>;

export interface CodesTexts {
  readonly title: string;
  readonly account: string;
  readonly keep: string;
}
/** For printing, saving and copying: one code a line. */
export const codesSheet = (codes: readonly string[], texts: CodesTexts): string => [texts.title, '', texts.account, '', ...codes.map(inFours), '', texts.keep, ''].join('\n');
