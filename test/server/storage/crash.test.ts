import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conversationOf } from '../../contract/people.ts';
import { Child } from './child.ts';
import { LevelFolder } from './level-folder.ts';

describe('a process killed under load', () => {
  let folder: LevelFolder;
  beforeEach(async () => {
    folder = await LevelFolder.make();
  });
  afterEach(() => folder.remove());

  it('[L5] loses no acknowledged entry and leaves none torn or missing in between', async () => {
    const child = new Child(folder.path, 'append');
    await child.said(600);
    await child.kill();
    const acknowledged = new Map<string, number>();
    for (const line of child.lines.slice(1)) {
      const [, name, sequence] = /^(\w+) (\d+)$/.exec(line) ?? [];
      if (name !== undefined) acknowledged.set(name, Math.max(acknowledged.get(name) ?? 0, Number(sequence)));
    }
    expect(child.lines.length).toBeGreaterThanOrEqual(600);
    expect([...acknowledged.keys()].toSorted()).toEqual(['four', 'one', 'three', 'two']);
    await folder.using(async (store) => {
      for (const [name, highest] of acknowledged) {
        const head = (await store.conversations.load(conversationOf(name)))?.headSequence ?? 0;
        expect(head).toBeGreaterThanOrEqual(highest);
        const entries = await store.conversations.readAfter(conversationOf(name), 0, 100_000, 1_000_000_000);
        expect(entries.map((entry) => entry.sequence)).toEqual(Array.from({ length: head }, (_, at) => at + 1));
      }
    });
  });
});
