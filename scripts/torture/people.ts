/** People by the SDK who talk through kills and power cuts, and must all have the same conversation at the end. */
import type { Client, Conversation, Message, register, signIn } from '../../web/sdk/index.ts';
import { Changes } from '../../test/harness/changes.ts';
import { passwordOf, sees } from '../../test/harness/people.ts';

export interface Sdk {
  readonly register: typeof register;
  readonly signIn: typeof signIn;
}

export interface Delivered {
  readonly id: string;
  readonly sequence: number;
  readonly text: string;
}

/** Throws unless the timeline holds each delivered message once, at its place, and nothing else. Oldest first. */
export function checkTimeline(timeline: readonly Delivered[], delivered: readonly Delivered[]): void {
  const expected = delivered.toSorted((one, other) => one.sequence - other.sequence);
  for (const [at, { id, sequence, text }] of expected.entries()) {
    const found = timeline[at];
    if (found?.id !== id || found.sequence !== sequence || found.text !== text)
      throw new Error(`a timeline has ${found?.sequence} "${found?.text}" where ${sequence} "${text}" was delivered`);
  }
  if (timeline.length !== expected.length)
    throw new Error(`a timeline has ${timeline.length} messages, ${expected.length} were delivered`);
}

interface Member {
  readonly handle: string;
  readonly client: Client;
  readonly conversation: Conversation;
  /** What `message` events told, in their order. */
  readonly heard: Message[];
  said: number;
}

const lanes = 2;
const pageMax = 200;

export class People {
  readonly #sdk: Sdk;
  readonly #origin: string;
  readonly #members: readonly Member[];
  readonly #delivered: Delivered[] = [];
  readonly #alarms: string[] = [];
  #turns: Promise<unknown> = Promise.resolve();
  readonly #changes = new Changes();

  private constructor(sdk: Sdk, origin: string, members: readonly Member[]) {
    this.#sdk = sdk;
    this.#origin = origin;
    this.#members = members;
    for (const { client, handle, heard } of members) {
      client.on('message', ({ message }) => {
        heard.push(message);
        this.#changes.tell();
      });
      client.on('security', ({ kind, reason }) => this.#alarms.push(`${handle}: ${kind} ${reason ?? ''}`));
    }
  }

  /** `invites`: a link for each of them. `store`: a folder for their devices. */
  static async gather(sdk: Sdk, origin: string, invites: readonly string[], store: string): Promise<People> {
    const clients: { readonly handle: string; readonly client: Client }[] = [];
    for (const [at, invite] of invites.entries()) {
      const handle = `person${at + 1}`;
      const own = { handle, displayName: handle, password: passwordOf(handle), store: `${store}/${handle}` };
      clients.push({ handle, client: await sdk.register({ origin, invite, ...own }) });
    }
    const [first] = clients;
    if (first === undefined) throw new RangeError('nobody');
    const handles = clients.map(({ handle }) => handle);
    const { id } = await first.client.conversations.create({ title: 'Torture', members: handles });
    const all = (conversation: Conversation) => conversation.members.length === handles.length;
    const members: Member[] = [];
    for (const { handle, client } of clients)
      members.push({ handle, client, conversation: await sees(client, id, all), heard: [], said: 0 });
    return new People(sdk, origin, members);
  }

  get count(): number {
    return this.#members.length;
  }
  get delivered(): number {
    return this.#delivered.length;
  }
  /** How far they are, for who asks why it takes so long. */
  get standing(): string {
    const each = this.#members.map(({ handle, said, heard }) => `${handle} said ${said}, heard ${heard.length}`);
    return [`${this.delivered} delivered`, ...each, ...this.#alarms].join('; ');
  }

  /** Each says `texts` more, two at a time; resolves when `enough` of all were delivered. What is left goes on in later rounds. */
  async talk(texts: number, enough: number): Promise<void> {
    const until = this.#delivered.length + enough;
    const turn = this.#members.flatMap((member) =>
      Array.from({ length: lanes }, () => this.#say(member, texts / lanes)),
    );
    const turns = Promise.all(turn);
    this.#turns = Promise.all([this.#turns, turns]);
    // Heard at the end, or by the race below.
    this.#turns.catch(() => undefined);
    await Promise.race([turns, this.#changes.until(() => this.#delivered.length >= until)]);
  }

  async #say(member: Member, texts: number): Promise<void> {
    for (let at = 0; at < texts; at += 1) {
      member.said += 1;
      const text = `${member.handle} says ${member.said}`;
      const { id, sequence } = await member.conversation.send({ text });
      this.#delivered.push({ id, sequence, text });
      this.#changes.tell();
    }
  }

  /**
   * Waits until everything that was said is delivered and has arrived at everybody. Throws unless all timelines, that of
   * a new device too, hold each message once and nothing else, and nobody had a reason for alarm.
   */
  async converge(): Promise<void> {
    await this.#turns;
    const last = Math.max(0, ...this.#delivered.map(({ sequence }) => sequence));
    for (const { heard } of this.#members)
      await this.#changes.until(() => last === 0 || heard.at(-1)?.sequence === last);
    for (const { conversation, heard } of this.#members) {
      checkTimeline(await timelineOf(conversation), this.#delivered);
      checkTimeline(heard, this.#delivered);
    }
    this.#checkAlarms([]);
    await this.#checkNewDevice();
  }

  #checkAlarms(expected: readonly string[]): void {
    const others = this.#alarms.filter((alarm) => !expected.includes(alarm));
    if (others.length > 0) throw new Error(`alarms: ${others.slice(0, 5).join('; ')}`);
  }

  async #checkNewDevice(): Promise<void> {
    const [first] = this.#members;
    if (first === undefined) return;
    const { handle, conversation } = first;
    const recoveryCode = first.client.recoveryCode ?? '';
    const client = await this.#sdk.signIn({ origin: this.#origin, handle, password: passwordOf(handle), recoveryCode });
    try {
      checkTimeline(await timelineOf(await sees(client, conversation.id)), this.#delivered);
      // One's other devices are told of a new one, and of nothing else.
      this.#checkAlarms([`${handle}: new_device `]);
    } finally {
      await client.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ client }) => client.close()));
  }
}

/** Oldest first. */
async function timelineOf(conversation: Conversation): Promise<readonly Message[]> {
  const pages: Message[] = [];
  for (;;) {
    const before = pages.at(-1)?.sequence;
    const page = await conversation.messages({ limit: pageMax, ...(before === undefined ? {} : { before }) });
    if (page.length === 0) return pages.toReversed();
    pages.push(...page);
  }
}
