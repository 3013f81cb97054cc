/** What a crash between two aggregates leaves, and that the next start ends it. */
import { describe, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { InProcessBus } from '../../../server/bus/in-process.ts';
import { createServices } from '../../../server/commands/services.ts';
import { isActive } from '../../../server/domain/roster.ts';
import { StoreFailure } from '../../../server/ports/store.ts';
import { codeOf, okay, type Peer, talk, value, World } from './world.ts';

const killed = (): Promise<never> => Promise.reject(new StoreFailure('killed'));

/** Another process on the same store, up to where it begins to serve. */
async function restarted({ store, runtime, services, scribe }: World): Promise<number> {
  const bus = new InProcessBus((cause) => {
    throw cause;
  });
  return createServices({ store, bus, runtime, config: services.config }).unfinished.finish(scribe);
}

const inConversation = async ({ store }: World, { userId }: Peer, conversationId: ConversationId): Promise<boolean> =>
  isActive(value(await store.conversations.load(conversationId)).roster, userId);

describe('a kill in the middle', () => {
  it('[A15] of a change of password lets no other session live on', async () => {
    const world = new World();
    const owner = await world.owner();
    const other = await world.secondDevice(owner);
    const endOf = world.store.sessions.endOf.bind(world.store.sessions);
    world.store.sessions.endOf = killed;
    await expect(owner.call('password.change', { password: 'something altogether different' })).rejects.toThrow('killed');
    world.store.sessions.endOf = endOf;
    expect(await world.services.sessions.byId(other.sessionId)).not.toBeNull();
    expect(await restarted(world)).toBe(1);
    expect(await world.services.sessions.byId(other.sessionId)).toBeNull();
    expect(await world.services.sessions.byId(owner.sessionId)).not.toBeNull();
    // Sessions of later are nobody's business.
    const later = await world.secondDevice(owner).catch(() => null);
    expect(later).toBeNull();
    expect(await restarted(world)).toBe(0);
  });

  it('[A18] of a reset lets no session live on', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const { token } = okay(await owner.call('passwordReset.create', { userId: guest.userId }));
    const endOf = world.store.sessions.endOf.bind(world.store.sessions);
    world.store.sessions.endOf = killed;
    await expect(world.call('passwordReset.finish', { token, password: 'something altogether different' })).rejects.toThrow('killed');
    world.store.sessions.endOf = endOf;
    expect(await world.services.sessions.byId(guest.sessionId)).not.toBeNull();
    expect(await restarted(world)).toBe(1);
    expect(await world.services.sessions.byId(guest.sessionId)).toBeNull();
    expect(await world.services.sessions.byId(owner.sessionId)).not.toBeNull();
  });

  it('[V5] of beginning anew leaves nobody in a conversation of before', async () => {
    const world = new World();
    const owner = await world.owner();
    const guest = await world.invited(owner, 'guest');
    const { conversationId } = await talk(world, owner, [guest]);
    const anew = (await world.stranger('guest')).as(guest.userId);
    const memberships = world.store.conversations.memberships.bind(world.store.conversations);
    world.store.conversations.memberships = killed;
    await expect(guest.call('account.startAnew', anew.anewInput())).rejects.toThrow('killed');
    world.store.conversations.memberships = memberships;
    expect(await inConversation(world, guest, conversationId)).toBe(true);
    expect(value(await world.store.accounts.byId(guest.userId)).leaving).toBe(true);
    expect(await restarted(world)).toBe(1);
    expect(await inConversation(world, guest, conversationId)).toBe(false);
    expect(await restarted(world)).toBe(0);
    // Brought back by a colleague they stay, whatever starts later.
    expect(codeOf(await owner.call('session.get', {}))).toBe('ok');
  });
});
