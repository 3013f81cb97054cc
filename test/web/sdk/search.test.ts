/** Search by the SDK: what was sent, received, fetched and purged, with every filter. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOwner, makePerson, sees, textArrives } from '../../harness/people.ts';
import { startServer, type TestServer } from '../../harness/server.ts';
import type { Client, Conversation, SearchOptions } from '../../../web/sdk/index.ts';

let server: TestServer;
let ada: Client;
let bob: Client;
let office: Conversation;
let pier: Conversation;

beforeAll(async () => {
  server = await startServer();
  ada = await makeOwner(server, 'ada');
  bob = await makePerson(server, ada, 'bob');
  office = await ada.conversations.create({ title: 'Office', members: ['bob'] });
  pier = await ada.conversations.create({ title: 'Pier', members: ['bob'] });
  await office.send({ text: '港口的起重机已经修好' });
  await pier.send({ text: 'The CRANE is green: https://wiki.example.org/crane' });
  const theirs = await sees(bob, office.id);
  const heard = textArrives(ada, 'a crane, a résumé');
  await theirs.send({ text: 'a crane, a résumé' });
  await heard;
});
afterAll(async () => {
  await ada.close();
  await bob.close();
  await server.remove();
});

const texts = async (client: Client, options: SearchOptions): Promise<readonly string[]> => (await client.search(options)).map(({ message }) => message.text);

describe('search', () => {
  it('finds any part of a text in Chinese and English, newest first, on both sides', async () => {
    for (const client of [ada, bob]) {
      await sees(client, pier.id);
      await expect.poll(() => texts(client, { text: 'crane' })).toEqual(['a crane, a résumé', 'The CRANE is green: https://wiki.example.org/crane']);
      expect(await texts(client, { text: '起重机' })).toEqual(['港口的起重机已经修好']);
      expect(await texts(client, { text: 'resume' })).toEqual(['a crane, a résumé']);
    }
  });

  it('narrows by sender, conversation, kind and time', async () => {
    expect(await texts(ada, { text: 'crane', from: 'ada' })).toEqual(['The CRANE is green: https://wiki.example.org/crane']);
    expect(await texts(ada, { text: 'crane', in: office.id })).toEqual(['a crane, a résumé']);
    expect(await texts(ada, { has: 'link' })).toEqual(['The CRANE is green: https://wiki.example.org/crane']);
    const [newest] = await ada.search({ from: ['ada', 'bob'], limit: 1 });
    expect(newest?.message.from).toBe('bob');
    expect(newest?.conversation.title).toBe('Office');
    expect(await texts(ada, { after: newest?.message.sentAt ?? 0 })).toContain('a crane, a résumé');
    expect(await texts(ada, { before: new Date(2020, 0, 1) })).toEqual([]);
  });

  it('follows what is said after the first search', async () => {
    await pier.send({ text: 'the lighthouse is lit' });
    await expect.poll(() => texts(ada, { text: 'lighthouse' })).toEqual(['the lighthouse is lit']);
  });

  it('says in codes what is wrong', async () => {
    await expect(ada.search({ limit: 0 })).rejects.toMatchObject({ code: 'input.invalid' });
    await expect(ada.search({ from: 'nobody' })).rejects.toMatchObject({ code: 'person.unknown' });
    await expect(ada.search({ in: 'nowhere' })).rejects.toMatchObject({ code: 'conversation.unknown' });
    await expect(ada.search({ after: new Date(Number.NaN) })).rejects.toMatchObject({ code: 'input.invalid' });
  });
});
