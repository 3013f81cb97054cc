/** Whatever five people and their devices go through, in the end they agree, and nobody read what was not for them. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ConversationId } from '#protocol/ids.ts';
import { until } from '../harness/devices.ts';
import type { Peer, ServerView } from './peer.ts';
import { Walk } from './walk.ts';

/** 4 and 6 once took being removed early for a lie, 24 being switched off while coming in. */
const seeds = [1, 4, 6, 24];
const steps = 60;

let walk: Walk | null = null;
afterEach(async () => {
  await walk?.end();
  walk = null;
});

interface Place {
  readonly id: ConversationId;
  /** Active members and what the server says to each. */
  readonly members: readonly { readonly peer: Peer; readonly served: ServerView }[];
}

async function places({ peers }: Walk): Promise<readonly Place[]> {
  const ids = [...new Set((await Promise.all(peers.map((peer) => peer.known()))).flat())];
  const all = await Promise.all(peers.map(async (peer) => ({ peer, list: await peer.served() })));
  return ids.map((id) => ({
    id,
    members: all.flatMap(({ peer, list }) => list.filter(({ conversationId }) => conversationId === id).map((served) => ({ peer, served }))),
  }));
}

/** Everybody comes online, says something in every conversation, and has heard everybody. */
async function quiesce(present: Walk): Promise<readonly Place[]> {
  for (const peer of present.peers) await peer.revive();
  const before = await places(present);
  const marks = before.flatMap(({ id, members }) => members.map(({ peer }) => ({ id, peer, text: `mark of ${peer.handle} in ${id}` })));
  for (const { id, peer, text } of marks) {
    await until(peer.engine, () => peer.active.some(({ conversationId }) => conversationId === id));
    await peer.engine.delivered(id, await peer.engine.send(id, text));
  }
  for (const { id, members } of before) {
    const expected = marks.filter((mark) => mark.id === id).map(({ text }) => text);
    for (const { peer } of members) await until(peer.engine, () => expected.every((text) => peer.heard.has(text)));
  }
  return places(present);
}

interface Said {
  readonly sequence: number;
  readonly id: string;
  readonly text: string;
  readonly epoch: number;
  readonly user: string;
}

async function saidAt(peer: Peer, id: ConversationId): Promise<readonly Said[]> {
  return (await peer.log(id)).flatMap(({ entry, shown }) =>
    shown.type === 'text' ? [{ sequence: entry.sequence, id: entry.id, text: shown.text, epoch: entry.epoch, user: entry.user }] : []);
}

/** Epoch, members and texts are the same for all of a conversation. */
async function agree({ id, members }: Place, truth: readonly Said[]): Promise<void> {
  for (const { peer, served } of members) {
    const who = `${peer.handle} in ${id}`;
    const tree = await peer.tree(id);
    expect(tree, who).toEqual({ epoch: served.epoch, people: served.members.map(({ userId }) => userId).toSorted() });
    expect(served.members.filter(({ leaving }) => leaving), who).toEqual([]);
    const view = peer.active.find(({ conversationId }) => conversationId === id);
    expect(view?.members.toSorted(), who).toEqual(tree.people);
    expect((await saidAt(peer, id)).filter(({ sequence }) => sequence > served.joinedSequence), who)
      .toEqual(truth.filter(({ sequence }) => sequence > served.joinedSequence));
    const unreadable = (await peer.log(id)).filter(({ entry, shown }) => shown.type === 'unreadable' && entry.sequence > served.joinedSequence);
    expect(unreadable, who).toEqual([]);
  }
}

/** All that anybody has of a conversation, by sequence; two that differ stay both. */
async function truthOf({ peers }: Walk, id: ConversationId): Promise<readonly Said[]> {
  const all = new Map<string, Said>();
  for (const peer of peers) for (const said of await saidAt(peer, id)) all.set(`${said.sequence} ${said.id}`, said);
  return [...all.values()].toSorted((a, b) => a.sequence - b.sequence);
}

/** Whoever has a text was in the epoch that it was sealed in, as its sender knew that epoch. */
async function wereIn({ peers }: Walk, id: ConversationId): Promise<void> {
  for (const reader of peers) {
    for (const { user, epoch, text } of await saidAt(reader, id)) {
      const readers = await peers.find(({ userId }) => userId === user)?.readers(id, epoch);
      expect(readers, `${text}, read by ${reader.handle}`).toContain(reader.userId);
    }
  }
}

function kept(present: Walk, truth: readonly Said[]): void {
  for (const { text, acknowledged, outsiders, never } of present.written) {
    const count = truth.filter((said) => said.text === text).length;
    expect(count, `${text} is there at most once`).toBeLessThanOrEqual(1);
    if (acknowledged) expect(count, `${text} was acknowledged`).toBe(1);
    const readers = present.peers.filter((peer) => peer.heard.has(text));
    expect(readers.filter((peer) => outsiders.has(peer) || never.has(peer)).map(({ handle }) => handle), `${text} is not for them`).toEqual([]);
  }
}

describe('five people on one server', () => {
  it.each(seeds)('[L1] [L2] [C2] [C7] [C10] [E7] [E8] [E12] converge, seed %i', { timeout: 110_000 }, async (seed) => {
    const present = await Walk.start(seed);
    walk = present;
    try {
      await present.run(steps);
      const found = await quiesce(present);
      const truths = await Promise.all(found.map(({ id }) => truthOf(present, id)));
      for (const [at, place] of found.entries()) {
        await agree(place, truths[at] ?? []);
        await wereIn(present, place.id);
      }
      kept(present, truths.flat());
      expect(present.written.filter(({ acknowledged }) => acknowledged).length).toBeGreaterThan(steps / 10);
      for (const peer of present.peers) expect([...peer.notices], peer.handle).toEqual([]);
    } catch (cause) {
      throw new Error(`seed ${seed}\n${present.story.join('\n')}`, { cause });
    }
  });
});
