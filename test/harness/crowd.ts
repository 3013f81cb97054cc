/** Hundreds of signed-in people on one data folder, made in the store itself: no password is hashed, nothing goes over a wire. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConversationId, DeviceId, Generation, UserId } from '#protocol/ids.ts';
import { InProcessBus } from '../../server/bus/in-process.ts';
import { sessionKey } from '../../server/compose.ts';
import { cookieValue, Sessions } from '../../server/domain/sessions.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import { openLevelStore } from '../../server/storage/level/store.ts';
import { acts } from '../contract/acts.ts';
import { change, deviceOf, generationOf, invite, LogWriter, newAccount, roster, userOf } from '../contract/people.ts';

export interface Place {
  readonly conversationId: ConversationId;
  readonly generation: Generation;
  /** Running hash at the first entry. */
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** A session of one person, on their device. */
export interface CrowdMember {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** `name=value` for http origins. */
  readonly cookie: string;
  /** The one conversation that the person is in. */
  readonly place: Place;
}

export interface CrowdOptions {
  /** The data folder of a server that is not running; made. */
  readonly folder: string;
  readonly people: number;
  readonly sessionsEach: number;
  /** People in one conversation. */
  readonly together: number;
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

/** Members in the order of their people: the sessions of one stand together. */
export async function makeCrowd({
  folder,
  people,
  sessionsEach,
  together,
}: CrowdOptions): Promise<readonly CrowdMember[]> {
  const masterKey = new Uint8Array(randomBytes(32));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'master.key'), masterKey, { mode: 0o600 });
  const store = await openLevelStore({ folder, masterKey, runtime: systemRuntime });
  const bus = new InProcessBus((cause) => {
    throw cause;
  });
  const sessions = new Sessions({ store: store.sessions, devices: store.devices, bus, runtime: systemRuntime, key: sessionKey(masterKey) });
  const names = range(people).map((at) => `person${at}`);
  try {
    const now = systemRuntime.now();
    for (const [at, name] of names.entries()) {
      if (at > 0) await store.invites.create(invite(name, now), acts());
      const made = await store.accounts.create(newAccount(name, at === 0 ? null : name), acts());
      if (made !== 'created') throw new Error(`${name}: ${made}`);
    }
    const places: Place[] = [];
    for (let first = 0; first < people; first += together) {
      const log = new LogWriter(`conversation ${first}`);
      const here = roster(names.slice(first, first + together));
      const entry = log.next('commit');
      await store.conversations.create(log.record(here, entry), [entry], change(here));
      places.push({
        conversationId: log.conversationId,
        generation: generationOf(`conversation ${first}`),
        hash: entry.hash,
      });
    }
    const members = names.flatMap((name, at) =>
      range(sessionsEach).map(() => ({ name, place: places[Math.floor(at / together)] })),
    );
    return await Promise.all(
      members.map(async ({ name, place }) => {
        if (place === undefined) throw new Error('no conversation');
        const session = sessions.make(userOf(name), deviceOf(name), { factor: 'account', whence: { address: '127.0.0.1', agent: '' } });
        await store.sessions.create(session.record, acts());
        const cookie = `lanying=${cookieValue({ sessionId: session.record.sessionId, secret: session.secret })}`;
        return { userId: userOf(name), deviceId: deviceOf(name), cookie, place };
      }),
    );
  } finally {
    await store.close();
  }
}
