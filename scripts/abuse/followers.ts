/** Process of clients that follow their conversations: `start`, `pause`, `resume`, `settled`. */
import { Follower } from '../../test/harness/follower.ts';
import type { CrowdMember } from '../../test/harness/crowd.ts';

type Order =
  | { readonly kind: 'start'; readonly port: number; readonly members: readonly CrowdMember[] }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Resolves when each is live at the head of its conversation: number of entries by conversation. */
  | { readonly kind: 'settled'; readonly heads: ReadonlyMap<string, number> };

export interface Settled {
  readonly lagged: number;
  readonly lost: number;
  /** Entries that they have, all together. */
  readonly entries: number;
}

let followers: readonly Follower[] = [];

async function obey(order: Order): Promise<Settled | null> {
  switch (order.kind) {
    case 'start':
      followers = order.members.map((member) => new Follower(order.port, member));
      await Promise.all(followers.map((follower) => follower.start()));
      return null;
    case 'pause':
      for (const follower of followers) follower.pause();
      return null;
    case 'resume':
      for (const follower of followers) follower.resume();
      return null;
    case 'settled': {
      const { heads } = order;
      await Promise.all(
        followers.map((follower) =>
          follower.until(() => follower.live && follower.head === heads.get(follower.member.place.conversationId)),
        ),
      );
      const sum = (of: (follower: Follower) => number): number =>
        followers.reduce((all, follower) => all + of(follower), 0);
      return { lagged: sum(({ lagged }) => lagged), lost: sum(({ lost }) => lost), entries: sum(({ head }) => head) };
    }
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer ?? {}));
});
