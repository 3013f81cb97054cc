/** Who hears of tree heads: owner and admins. */
import type { UserId } from '#protocol/ids.ts';
import { listPageMax } from '#protocol/limits.ts';
import type { AccountStore } from '../../ports/store.ts';

export async function administrators(accounts: Pick<AccountStore, 'list'>): Promise<readonly UserId[]> {
  const found: UserId[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const page: Awaited<ReturnType<AccountStore['list']>> = await accounts.list(after, listPageMax);
    for (const { userId, role } of page) if (role !== 'member') found.push(userId);
    after = page.at(-1)?.handle ?? null;
    more = page.length === listPageMax;
  }
  return found;
}
