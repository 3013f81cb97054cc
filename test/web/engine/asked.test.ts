import { expect, it } from 'vitest';
import { commands } from '../../../server/protocol/commands/index.ts';
import { askedByPost } from '../../../web/engine/asked.ts';

const asked = /^(?:session\.(?:list|revoke|stepUp)|factor\.list|passkey\.(?:rename|remove)|totp\.|recoveryCodes\.|password\.|passwordReset\.|signInPolicy\.)/;

it('by POST go those that set or take the cookie, and those that need nobody', () => {
  const rows = Object.entries(commands).filter(([name]) => asked.test(name));
  const byPost = rows.filter(([, row]) => 'httpOnly' in row || row.who === 'anyone').map(([name]) => name);
  expect([...askedByPost].toSorted()).toEqual(byPost.toSorted());
});
