/** An engine without encryption or network, for looking at screens and for their tests. Nothing here reaches a build. */
import {
  type DeviceApi,
  type AccountView,
  type ConversationView,
  type Engine,
  type EngineApi,
  type EngineSnapshot,
  LanyingError,
  type Me,
  type PersonView,
  type RecoveryCodes,
  type TimelineItem,
  type TimelineView,
} from '../../../../web/engine/api.ts';
import type { ConversationId, DeviceId, InviteId, MessageId, UnlockerId, UserId } from '../../../../server/protocol/ids.ts';
import { administer, demoDesk } from './demo-desk.ts';
import { conversationsOf, demoInvites, demoNotices, demoPeople, messagesOf } from './demo-data.ts';

export type Scene = 'signed-out' | 'setup' | 'locked' | 'ready' | 'empty' | 'starting';
const meOf = (person: PersonView): Me => ({ ...person, deviceId: 'demoDevice000000000000' as Me['deviceId'] });

function accountOf(scene: Scene, person: PersonView): AccountView {
  switch (scene) {
    case 'starting':
      return { state: 'starting' };
    case 'locked':
      return { state: 'vault-locked', handle: person.handle, displayName: person.displayName, passkeyCanUnlock: true };
    case 'ready':
    case 'empty':
      return { state: 'ready', me: meOf(person) };
    case 'setup':
    case 'signed-out':
      return { state: 'signed-out', setupNeeded: scene === 'setup', passwordLengthMin: 15, reason: 'none' };
  }
}

export interface DemoOptions {
  readonly scene: Scene;
  readonly now: number;
  readonly offline?: boolean;
  /** The server's disk is full, and so many messages wait. */
  readonly full?: number | null;
  /** The key directory contradicts itself: proven, or not. */
  readonly directory?: 'forked' | 'cut' | null;
  /** Milliseconds between sending and acknowledgement. */
  readonly latencyMs?: number;
  /** The server's clock jumped, its audit log was changed, the person is a member. */
  readonly clockJumped?: boolean;
  readonly auditForked?: boolean;
  readonly asMember?: boolean;
}

function connectionOf({ offline, full, now }: DemoOptions): EngineSnapshot['connection'] {
  if (offline === true) return { state: 'offline', since: now, queued: 2 };
  return typeof full === 'number' ? { state: 'full', queued: full } : { state: 'online' };
}

const demoAudit = ({ asMember, auditForked, now }: DemoOptions): EngineSnapshot['audit'] =>
  asMember === true ? null : { size: 1_284, at: now - 120_000, fault: auditForked === true ? 'forked' : null };

const peopleOf = ({ asMember }: DemoOptions) => (asMember === true ? demoPeople().map((person) => ({ ...person, role: 'member' as const })) : demoPeople());

function directoryOf({ directory, now }: DemoOptions, heardFrom: UserId | null): EngineSnapshot['directory'] {
  if (directory === undefined || directory === null) return { state: 'consistent' };
  return { state: 'contradicted', fault: directory, blocked: directory === 'forked', at: now - 120_000, heardFrom: directory === 'forked' ? heardFrom : null };
}

function createCore(options: DemoOptions) {
  const people = peopleOf(options);
  const [self] = people;
  if (self === undefined) throw new Error('the demo has people');
  const snapshots = new Set<(snapshot: EngineSnapshot) => void>();
  const timelines = new Set<(view: TimelineView) => void>();
  const messages = new Map<ConversationId, readonly TimelineItem[]>();
  const reads = new Map<ConversationId, number>();
  let serial = 1_000;
  const full = options.scene !== 'empty';
  let snapshot: EngineSnapshot = {
    account: accountOf(options.scene, self),
    connection: connectionOf(options),
    ...{ people: full ? people : [self], gone: [], directory: directoryOf(options, people[1]?.userId ?? null), ...demoOwn(options.now) },
    conversations: full ? conversationsOf(options.now) : [],
    notices: full ? demoNotices(options.now) : [],
    audit: demoAudit(options),
  };
  for (const item of snapshot.conversations) messages.set(item.conversationId, messagesOf(item, options.now));
  const set = (next: Partial<EngineSnapshot>): void => {
    snapshot = { ...snapshot, ...next };
    for (const listener of snapshots) listener(snapshot);
  };
  const change = (id: ConversationId, next: Partial<ConversationView>): void =>
    set({ conversations: snapshot.conversations.map((item) => (item.conversationId === id ? { ...item, ...next } : item)) });
  const opened = new Map<ConversationId, number>();
  const show = (id: ConversationId, loading = false): void => {
    const items = messages.get(id) ?? [];
    const oldest = items.find((item) => item.sequence !== null)?.sequence ?? 1;
    const typing = id === snapshot.conversations[0]?.conversationId ? snapshot.people.slice(1, 2).map((person) => person.userId) : [];
    for (const listener of timelines) {
      listener({ conversationId: id, items, more: items.length > 20 && oldest > 1, loading, readSequence: opened.get(id) ?? 0, typing });
    }
  };
  const append = (id: ConversationId, item: TimelineItem): void => {
    messages.set(id, [...(messages.get(id) ?? []), item]);
    if (item.kind === 'text') change(id, { last: { from: item.from, text: item.text, at: item.sentAt }, activeAt: item.sentAt });
    show(id);
  };
  const replace = (id: ConversationId, key: string, next: TimelineItem | null): void => {
    messages.set(id, (messages.get(id) ?? []).flatMap((item) => (item.key === key ? (next ?? []) : item)));
    show(id);
  };
  const nextSequence = (id: ConversationId): number => Math.max(0, ...(messages.get(id) ?? []).map((item) => item.sequence ?? 0)) + 1;
  const acknowledge = (id: ConversationId, key: string): void => {
    const item = messages.get(id)?.find((one) => one.key === key);
    if (item?.kind === 'text') replace(id, key, { ...item, sequence: nextSequence(id), delivery: 'sent' });
  };
  return {
    options,
    people,
    self,
    account: { me: meOf(self) },
    messages,
    reads,
    opened,
    snapshots,
    timelines,
    snapshot: () => snapshot,
    find: (id: ConversationId) => snapshot.conversations.find((item) => item.conversationId === id),
    nextKey: () => `k${(serial += 1)}`,
    set,
    change,
    show,
    append,
    replace,
    nextSequence,
    acknowledge,
  };
}
type Core = ReturnType<typeof createCore>;
const done = async (): Promise<void> => undefined;

function accountCalls(core: Core): Pick<EngineApi, 'checkGrant' | 'checkHandle' | 'prepareAccount' | 'finishAccount' | 'signInWithPassword' | 'signInWithPasskey' | 'unlockWithRecoveryCode' | 'unlockWithPasskey' | 'signOut'> {
  const ready = (): void => core.set({ account: { state: 'ready', me: core.account.me } });
  return {
    async checkGrant(grant) {
      for (const state of ['expired', 'used', 'revoked'] as const) if (grant.token.startsWith(state)) throw new LanyingError(`invite.${state}`);
      return grant.kind === 'setup'
        ? { invitedBy: null, role: 'owner', expiresAt: null, retention: [] }
        : { invitedBy: core.people[1]?.displayName ?? null, role: 'member', expiresAt: core.options.now + 7 * 86_400_000, retention: [{ class: 'messages', days: 365 }, { class: 'files', days: 30 }] };
    },
    async checkHandle(_grant, handle) {
      if (handle === 'taken') throw new LanyingError('handle.taken');
    },
    async prepareAccount(input): Promise<RecoveryCodes> {
      if (input.handle === 'taken') throw new LanyingError('handle.taken');
      core.account.me = { ...core.account.me, handle: input.handle, displayName: input.displayName };
      const spare = input.factor.kind === 'password' ? 'H4QT-9ZKM-2WXC-7RBN-P5VJ-D8LF-3YGA' : null;
      return { code: 'K7MQ-X2RD-94TC-HWNB-3GZP-J8VY-6FLA', spare };
    },
    async finishAccount() {
      ready();
      return core.account.me;
    },
    async signInWithPassword(_handle, password) {
      if (password.length < 15) throw new LanyingError('sign_in.failed');
      core.set({ account: accountOf('locked', core.self) });
    },
    async signInWithPasskey() {
      ready();
    },
    async unlockWithRecoveryCode(code) {
      if (code.length < 20) throw new LanyingError('recovery_code.malformed');
      ready();
    },
    async unlockWithPasskey() {
      throw new LanyingError('passkey.cancelled');
    },
    async signOut() {
      core.set({ account: accountOf('signed-out', core.self) });
    },
  };
}

function peopleCalls(core: Core): Pick<EngineApi, 'createInvite' | 'listInvites' | 'revokeInvite' | 'refreshPeople' | 'acceptIdentity' | 'acceptDirectory' | 'setVerified' | 'dismissNotices'> {
  return {
    async createInvite() {
      return { inviteId: 'demoInvite000000000000' as InviteId, link: 'https://chat.example.org/join#token=Zk3vQ0pX9bN2mLr8TtY5wHc7JfGd1SaE', expiresAt: core.options.now + 7 * 86_400_000 };
    },
    listInvites: async () => demoInvites(core.options.now),
    revokeInvite: done,
    refreshPeople: done,
    async acceptIdentity(userId) {
      core.set({
        people: core.snapshot().people.map((person) => (person.userId === userId ? { ...person, identity: 'pinned' } : person)),
        conversations: core.snapshot().conversations.map((item) => ({ ...item, blockedBy: item.blockedBy.filter((other) => other !== userId) })),
      });
    },
    async setVerified(userId, _digits, verified) {
      core.set({ people: core.snapshot().people.map((person) => (person.userId === userId ? { ...person, verified } : person)) });
    },
    async acceptDirectory() {
      core.set({ directory: { state: 'consistent' } });
    },
    async dismissNotices() {
      core.set({ notices: [] });
    },
  };
}

function conversationCalls(core: Core): Pick<EngineApi, 'createConversation' | 'renameConversation' | 'addMembers' | 'removeMember' | 'leaveConversation'> {
  return {
    async createConversation({ title, members }) {
      const conversationId = `demoConversation${core.nextKey()}` as ConversationId;
      const at = Date.now();
      const made: ConversationView = {
        conversationId, title, members: [core.self.userId, ...members], owner: core.self.userId, mayRemove: true, active: true,
        unread: 0, last: null, draft: '', failedSends: 0, blockedBy: [], halted: null, activeAt: at,
      };
      core.messages.set(conversationId, [{ kind: 'event', key: 'created', sequence: 1, sentAt: at, actor: core.self.userId, event: { type: 'created' } }]);
      core.set({ conversations: [made, ...core.snapshot().conversations] });
      return conversationId;
    },
    renameConversation: async (id, title) => core.change(id, { title }),
    async addMembers(id, members) {
      const found = core.find(id);
      core.change(id, { members: [...(found?.members ?? []), ...members] });
    },
    async removeMember(id, member: UserId) {
      const found = core.find(id);
      core.change(id, { members: (found?.members ?? []).filter((other) => other !== member) });
    },
    leaveConversation: async (id) => core.change(id, { active: false }),
  };
}

function sendCalls(core: Core): Pick<EngineApi, 'send' | 'retrySend' | 'discardSend'> {
  return {
    async send(id, text) {
      const key = core.nextKey();
      core.append(id, { kind: 'text', key, id: key as MessageId, sequence: null, from: core.self.userId, own: true, sentAt: Date.now(), text, delivery: 'sending' });
      setTimeout(() => core.acknowledge(id, key), core.options.latencyMs ?? 120);
      return key as MessageId;
    },
    async retrySend(id, message) {
      const item = core.messages.get(id)?.find((one) => one.kind === 'text' && one.id === message);
      if (item?.kind === 'text') core.replace(id, item.key, { ...item, sequence: core.nextSequence(id), delivery: 'sent' });
      core.change(id, { failedSends: 0 });
    },
    async discardSend(id, message) {
      const item = core.messages.get(id)?.find((one) => one.kind === 'text' && one.id === message);
      if (item !== undefined) core.replace(id, item.key, null);
      core.change(id, { failedSends: 0 });
    },
  };
}

function timelineCalls(core: Core): Pick<EngineApi, 'setDraft' | 'typing' | 'openTimeline' | 'closeTimeline' | 'loadOlder' | 'loadNewer' | 'find' | 'markRead'> {
  return {
    setDraft: async (id, draft) => core.change(id, { draft }),
    typing: done,
    async openTimeline(id) {
      const found = core.find(id);
      const head = core.nextSequence(id) - 1;
      core.opened.set(id, core.reads.get(id) ?? head - (found?.unread ?? 0));
      setTimeout(() => core.show(id), 5);
    },
    closeTimeline: done,
    loadNewer: done,
    find: () => Promise.reject(new LanyingError('engine.closed')),
    async loadOlder(id) {
      const items = core.messages.get(id) ?? [];
      const first = items[0];
      const start = first?.sequence ?? 0;
      if (first === undefined || start <= 1) return;
      core.show(id, true);
      const count = Math.min(40, start - 1);
      const older = Array.from({ length: count }, (_, index): TimelineItem => {
        const sequence = start - count + index;
        const from = core.people[sequence % 4]?.userId ?? core.self.userId;
        return { kind: 'text', key: `o${sequence}`, id: `o${sequence}` as MessageId, sequence, from, own: from === core.self.userId, sentAt: first.sentAt - (count - index) * 700_000, text: `Earlier message ${sequence}. `.repeat(1 + (sequence % 5)), delivery: 'sent' };
      });
      setTimeout(() => {
        core.messages.set(id, [...older, ...(core.messages.get(id) ?? [])]);
        core.show(id);
      }, 300);
    },
    async markRead(id, sequence) {
      core.reads.set(id, sequence);
      core.change(id, { unread: 0 });
    },
  };
}

const demoDevices = (now: number): EngineSnapshot['devices'] =>
  [
    { label: 'Chromium, Linux', createdAt: now - 40 * 86_400_000, usedAt: now, here: true },
    { label: 'Safari, iPhone', createdAt: now - 12 * 86_400_000, usedAt: now - 86_400_000, here: false },
    { label: '办公室的旧电脑', createdAt: now - 300 * 86_400_000, usedAt: now - 45 * 86_400_000, here: false },
  ].map((device, at) => ({ ...device, deviceId: `device-${at}` as DeviceId }));

const demoVault = (now: number): NonNullable<EngineSnapshot['vault']> => ({
  unlockers: (['passkey', 'recovery-code'] as const).map((kind, at) => ({ unlockerId: `unlocker-${at}` as UnlockerId, kind, createdAt: now - 40 * 86_400_000 })),
  closed: false,
  rekeyDue: false,
});

const demoOwn = (now: number) => ({ devices: demoDevices(now), vault: demoVault(now), approval: null });

function deviceCalls(core: Core): DeviceApi {
  const devices = (): EngineSnapshot['devices'] => core.snapshot().devices;
  return {
    async renameDevice(id, label) {
      core.set({ devices: devices().map((device) => (device.deviceId === id ? { ...device, label } : device)) });
    },
    async removeDevice(id) {
      core.set({ devices: devices().filter(({ deviceId }) => deviceId !== id) });
    },
    prepareRecoveryCode: async () => 'K7QM-2F9D-XW4A-8HJT-P3VN-6RCE-Z1BY',
    async keepRecoveryCode(replaces) {
      const { vault } = core.snapshot();
      if (vault === null) return;
      const left = vault.unlockers.filter(({ unlockerId }) => !replaces.includes(unlockerId));
      core.set({ vault: { ...vault, unlockers: [...left, { unlockerId: core.nextKey() as UnlockerId, kind: 'recovery-code', createdAt: Date.now() }] } });
    },
    addPasskeyUnlocker: done,
    async removeUnlocker(id) {
      const { vault } = core.snapshot();
      if (vault !== null) core.set({ vault: { ...vault, unlockers: vault.unlockers.filter(({ unlockerId }) => unlockerId !== id) } });
    },
    reopenVault: done,
    prepareAnew: async () => ({ code: 'K7QM-2F9D-XW4A-8HJT-P3VN-6RCE-Z1BY', spare: '3MPN-7WQX-9DKA-2HJT-P4VN-8RCE-Y5BZ' }),
    finishAnew: done,
    async askApproval() {
      core.set({ approval: { role: 'new', code: '7KQM2F9D', expiresAt: Date.now() + 300_000, check: null, confirmed: false, ended: null } });
    },
    async answerApproval(code) {
      core.set({ approval: { role: 'old', code, expiresAt: Date.now() + 300_000, check: [3, 17, 42, 8, 60, 25], confirmed: false, ended: null } });
    },
    async confirmApproval(same) {
      const { approval } = core.snapshot();
      if (approval !== null) core.set({ approval: { ...approval, confirmed: same, ended: same ? 'done' : 'different' } });
    },
    async closeApproval() {
      core.set({ approval: null });
    },
  };
}

export function createDemoEngine(options: DemoOptions): Engine & { receive(id: ConversationId, text: string): void } {
  const core = createCore(options);
  const desk = demoDesk({ now: options.now, clockJumped: options.clockJumped === true, nothingYet: options.scene === 'empty', fault: options.auditForked === true });
  return {
    snapshot: core.snapshot,
    onSnapshot: (listener) => (core.snapshots.add(listener), () => core.snapshots.delete(listener)),
    onTimeline: (listener) => (core.timelines.add(listener), () => core.timelines.delete(listener)),
    close: done,
    /** Screens that ask bring their own answers. */
    ask: () => Promise.reject(new LanyingError('server.unavailable')),
    addPasskey: () => Promise.reject(new LanyingError('passkey.unsupported')),
    stepUpWithPasskey: () => Promise.reject(new LanyingError('passkey.unsupported')),
    signInSecondStep: () => Promise.reject(new LanyingError('ceremony.expired')),
    ...accountCalls(core),
    ...peopleCalls(core),
    ...deviceCalls(core),
    ...conversationCalls(core),
    ...sendCalls(core),
    ...timelineCalls(core),
    administer: (method, ...input) => administer(desk, method, input),
    receive(id, text) {
      const key = core.nextKey();
      const from = core.people[1]?.userId ?? core.self.userId;
      core.append(id, { kind: 'text', key, id: key as MessageId, sequence: core.nextSequence(id), from, own: false, sentAt: Date.now(), text, delivery: 'sent' });
    },
  };
}
