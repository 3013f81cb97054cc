/** People on a test server by the SDK, made quickly. */
import { type Client, type ClientEvents, type Conversation, register, setup } from '../../web/sdk/index.ts';
import type { TestServer } from './server.ts';

export const passwordOf = (handle: string): string => `the long password of ${handle}`;
const nameOf = (handle: string): string => handle.charAt(0).toUpperCase() + handle.slice(1);

/** The owner of a fresh server. `store`: a folder, where the device must survive. */
export function makeOwner(server: TestServer, handle: string, store?: string): Promise<Client> {
  return setup({
    origin: server.origin, token: server.setupToken, handle, displayName: nameOf(handle), password: passwordOf(handle), ...(store === undefined ? {} : { store }),
  });
}

export async function makePerson(server: TestServer, inviter: Client, handle: string, store?: string): Promise<Client> {
  const { link } = await inviter.createInvite();
  return register({
    origin: server.origin, invite: link, handle, displayName: nameOf(handle), password: passwordOf(handle), ...(store === undefined ? {} : { store }),
  });
}

/** Resolves with the first event that fits, from now on. */
export function once<Name extends keyof ClientEvents>(
  client: Client,
  name: Name,
  fits: (event: ClientEvents[Name]) => boolean = () => true,
): Promise<ClientEvents[Name]> {
  return new Promise((resolve) => {
    const stop = client.on(name, (event) => {
      if (!fits(event)) return;
      stop();
      resolve(event);
    });
  });
}

export const textArrives = (client: Client, text: string): Promise<ClientEvents['message']> => once(client, 'message', ({ message }) => message.text === text);

/** A conversation as another person has it, once it is there and fits. */
export async function sees(client: Client, id: string, fits: (conversation: Conversation) => boolean = () => true): Promise<Conversation> {
  const heard = once(client, 'conversation', ({ conversation }) => conversation.id === id && fits(conversation));
  const present = (await client.conversations.list()).find((conversation) => conversation.id === id && fits(conversation));
  return present ?? (await heard).conversation;
}

/** Texts oldest first. */
export const texts = async (conversation: Conversation): Promise<readonly string[]> => (await conversation.messages()).map(({ text }) => text).toReversed();
