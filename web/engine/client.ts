/**
 * The engine's face: one device of one person, or nobody yet. States of the account are a union with one place that
 * moves between them; everything below is created when the vault opens and dropped at sign-out.
 */
import type { ConversationId, DeviceId, InviteId, MessageId, UnlockerId, UserId } from '#protocol/ids.ts';
import type { Output } from '#protocol/commands/index.ts';
import { passwordLengthMin } from '#protocol/limits.ts';
import type { AdministrationApi, AdministrationMethod } from './administration-api.ts';
import {
  type ConnectionView, type CreateAccountInput, type Engine, type EngineSnapshot, type Grant, LanyingError, type PasskeyAdded, type SecondStepInput, type Me, type RecoveryCodes, type SecurityNotice, type TimelineView,
} from './api.ts';
import { ask, type AskedCommand, type AskedInput } from './asked.ts';
import { Approving } from './approving.ts';
import { attach } from './attach.ts';
import { Connection, type ServerEvent } from './connection.ts';
import { Home } from './home.ts';
import { late } from './late.ts';
import { Listeners } from './listeners.ts';
import type { Platform } from './ports.ts';
import { account, type AccountState } from './store/records.ts';
import { Retry } from './retry.ts';
import { accountView, type Session, type Stage } from './stage.ts';
import { SealedStore } from './store/sealed-store.ts';
import { until } from './until.ts';
import { readTexts, type TextEntry } from './texts.ts';
import { meOf } from './views.ts';

const desk = late(() => import('./administration.ts'));
const noticesMax = 100;
/** Devices that waited for room come back one after the other. */
const resumeSpreadMs = 2_000;

class LanyingEngine implements Engine {
  #stage: Stage = { kind: 'starting' };
  #snapshot: EngineSnapshot | null = null;
  #notices: readonly SecurityNotice[] = [];
  #offlineSince: number | null = null;
  #must: Session['must'];
  #emitting = false;
  #closed = false;
  readonly #snapshots = new Listeners<EngineSnapshot>();
  readonly #timelines = new Listeners<TimelineView>();
  readonly #texts = new Listeners<{ readonly conversationId: ConversationId; readonly entry: TextEntry }>();
  readonly #connection: Connection;
  readonly #retry: Retry;
  readonly #approving = new Approving(
    () => ({ runtime: this.platform.runtime, connection: this.#connection, userId: this.#personId(), onTrouble: (cause) => this.#trouble(cause) }),
    () => this.#changed(),
  );
  readonly #factors = late(async () => new (await import('./factors.ts')).OwnFactors(this.platform, this.#connection));
  readonly #codes = late(async () => new (await import('./unlockers.ts')).Unlockers(this.platform));
  readonly #desk = late(async () => new (await import('./account.ts')).AccountDesk(this.platform, this.store));

  constructor(
    readonly platform: Platform,
    readonly store: SealedStore,
  ) {
    this.#retry = new Retry(platform.runtime, () => {
      if (this.#connection.online && !this.#closed) void this.#online();
    });
    this.#connection = new Connection(platform.runtime, platform.network, {
      onOnline: () => void this.#online(),
      onOffline: () => {
        this.#offlineSince = platform.runtime.now();
        this.#retry.stop();
        this.#changed();
      },
      onEvent: (event) => this.#onEvent(event),
      onStorage: (full) => {
        if (!full) this.#retry.within(resumeSpreadMs);
        this.#changed();
      },
      onRefused: () => void this.#sessionEnded(),
    });
  }

  /** Settles where this device stands: a stored account connects by itself, anything else asks the server. */
  async start(): Promise<void> {
    const stored = await this.store.get(account);
    if (stored !== null) {
      await this.#enter(stored);
      this.#connection.start();
      return;
    }
    await this.#signedOut('none');
  }

  async #signedOut(reason: 'none' | 'session_ended'): Promise<void> {
    if (this.#stage.kind === 'home') this.#stage.home.close();
    this.#connection.stop();
    this.#must = undefined;
    this.#move({ kind: 'signed-out', setupNeeded: false, passwordLengthMin, reason });
    try {
      const info = await (await this.#desk()).info();
      this.#move({ kind: 'signed-out', setupNeeded: info.setupNeeded, passwordLengthMin: info.passwordLengthMin, reason });
    } catch (cause) {
      if (!(cause instanceof LanyingError)) throw cause;
    }
  }

  #move(stage: Stage): void {
    this.#stage = stage;
    this.#changed();
  }

  async #enter(state: AccountState): Promise<Home> {
    const store = this.store.lend();
    // What a device that is gone still has under way must not show on the screens of the next one.
    const here = <T extends readonly unknown[]>(tell: (...told: T) => void) => (...told: T): void => (store.recalled ? undefined : tell(...told));
    const home = await Home.open(this.platform.runtime, this.#connection, store, state, {
      onChange: here(() => this.#changed()),
      onTimeline: here((view) => this.#timelines.tell(view)),
      onNotice: here((notice) => this.#noticed(notice)),
      onText: here((conversationId, entry) => this.#texts.tell({ conversationId, entry })),
      onTrouble: here((cause) => this.#trouble(cause)),
    });
    this.#move({ kind: 'home', home, synced: false });
    return home;
  }

  #noticed(notice: SecurityNotice): void {
    const again = (one: SecurityNotice): boolean => JSON.stringify({ ...one, at: 0 }) === JSON.stringify({ ...notice, at: 0 });
    if (notice.kind === 'commit_refused' && this.#notices.some(again)) return;
    this.#notices = [notice, ...this.#notices].slice(0, noticesMax);
    this.#changed();
  }

  /** A failure behind the screens: what the log holds is read again soon; a defect is not swallowed. */
  #trouble(cause: unknown): void {
    if (!(cause instanceof LanyingError)) throw cause;
    if (cause.code === 'network.unreachable' || cause.code === 'engine.closed' || this.#closed) return;
    // A full server says when it has room again ([E13]).
    if (!this.#connection.full) this.#retry.soon();
  }

  /** A socket is up: make the session this device's, then catch up. */
  async #online(): Promise<void> {
    this.#offlineSince = null;
    this.#changed();
    try {
      const session = await this.#connection.call('session.get', {});
      this.#must = session.must;
      if (session.must !== undefined) return this.#changed();
      if (this.#stage.kind === 'home') return await this.#synchronise(this.#stage.home, session);
      if (this.#stage.kind === 'arriving') await this.#arrive(session);
    } catch (cause) {
      if (!(cause instanceof LanyingError)) throw cause;
      if (cause.code === 'session.required') await this.#sessionEnded();
      else this.#trouble(cause);
    }
  }

  async #synchronise(home: Home, session: Session): Promise<void> {
    if (!(await attach(this.#connection, this.store.keys, session, home.me))) return this.#removed(home, session);
    await home.synchronise();
    if (this.#stage.kind === 'home' && this.#stage.home === home) this.#move({ kind: 'home', home, synced: true });
  }

  /** This device was removed by its person: nothing of it stays here, and it may come back as a new one. */
  async #removed(home: Home, session: Session): Promise<void> {
    home.close();
    await this.store.erase();
    this.#move({ kind: 'arriving', session });
    await this.#arrive(session);
  }

  /** Signed in on a browser without this person's device: the passkey may open the vault at once. */
  async #arrive(session: Session): Promise<void> {
    const state = await (await this.#desk()).unlockWithSignIn(this.#connection, session);
    if (state !== null) return this.#unlocked(state);
    const vault = await this.#connection.call('vault.get', {});
    this.#move({ kind: 'locked', session, passkeyCanUnlock: vault.unlockers.some(({ kind }) => kind === 'passkey') });
  }

  async #unlocked(state: AccountState): Promise<void> {
    const home = await this.#enter(state);
    await this.#synchronise(home, await this.#connection.call('session.get', {}));
  }

  async #sessionEnded(): Promise<void> {
    if (this.#stage.kind !== 'signed-out' && !this.#closed) await this.#signedOut('session_ended');
  }

  #onEvent(event: ServerEvent): void {
    if (event.name === 'sessionEnded') void this.#sessionEnded();
    else if (event.name === 'approval') this.#approving.heard(event.payload.code);
    else if (this.#stage.kind === 'home') this.#stage.home.onEvent(event);
  }

  #personId(): UserId {
    return this.#stage.kind === 'home' ? this.#stage.home.me.userId : this.#lockedSession().person.userId;
  }

  // Snapshots: worked out when asked for, told at most once a task.

  #changed(): void {
    this.#snapshot = null;
    if (this.#emitting || this.#closed) return;
    this.#emitting = true;
    this.platform.runtime.after(0, () => {
      this.#emitting = false;
      if (!this.#closed) this.#snapshots.tell(this.snapshot());
    });
  }

  snapshot(): EngineSnapshot {
    if (this.#snapshot !== null) return this.#snapshot;
    const home = this.#stage.kind === 'home' ? this.#stage.home : null;
    this.#snapshot = {
      account: accountView(this.#stage),
      connection: this.#connectionView(home),
      ...(this.#must === undefined ? {} : { must: this.#must }),
      people: home?.people() ?? [],
      gone: home?.directory.gone() ?? [],
      devices: home?.devices.views() ?? [],
      vault: home?.vault.view() ?? null,
      approval: this.#approving.view(),
      conversations: home?.views() ?? [],
      directory: home?.directory.tree.view() ?? { state: 'consistent' },
      notices: this.#notices,
      audit: home?.audit ?? null,
    };
    return this.#snapshot;
  }

  #connectionView(home: Home | null): ConnectionView {
    if (this.#connection.full) return { state: 'full', queued: home?.waiting ?? 0 };
    if (this.#connection.online) return { state: 'online' };
    if (this.#offlineSince === null) return { state: 'connecting' };
    return { state: 'offline', since: this.#offlineSince, queued: home?.waiting ?? 0 };
  }

  readonly onSnapshot = (listener: (snapshot: EngineSnapshot) => void): (() => void) => this.#snapshots.add(listener);
  onTimeline(listener: (timeline: TimelineView) => void): () => void {
    return this.#timelines.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry.stop();
    this.#connection.close();
    if (this.#stage.kind === 'home') this.#stage.home.close();
    this.#snapshots.tell(this.snapshot());
    await this.store.close();
  }

  // Account

  readonly checkGrant = async (grant: Grant): Promise<Output<'invite.check'>> => (await this.#desk()).checkGrant(grant);
  readonly checkHandle = async (grant: Grant, handle: string): Promise<void> => (await this.#desk()).checkHandle(grant, handle);
  readonly prepareAccount = async (input: CreateAccountInput): Promise<RecoveryCodes> => (await this.#desk()).prepare(input);

  async finishAccount(): Promise<Me> {
    const state = await (await this.#desk()).finish();
    await this.#enter(state);
    this.#connection.start();
    return meOf(state);
  }

  async signInWithPassword(handle: string, password: string, deviceLabel: string): Promise<void> {
    await this.#signedIn(await (await this.#desk()).signInWithPassword(handle.trim().toLowerCase(), password, deviceLabel));
  }
  readonly signInSecondStep = async (step: SecondStepInput): Promise<void> => this.#signedIn(await (await this.#desk()).secondStep(step));
  readonly signInWithPasskey = async (deviceLabel: string): Promise<void> => this.#signedIn(await (await this.#desk()).signInWithPasskey(deviceLabel));

  /** The device that lives here continues; another person's device is not touched but must be forgotten first. */
  async #signedIn(session: Session): Promise<void> {
    const stored = await this.store.get(account);
    if (stored !== null && stored.userId === session.person.userId) await this.#enter(stored);
    else {
      if (stored !== null) throw new LanyingError('engine.busy_elsewhere', { reason: 'other_person' });
      this.#move({ kind: 'arriving', session });
    }
    this.#connection.stop();
    this.#connection.start();
  }

  #lockedSession(): Session {
    if (this.#stage.kind !== 'locked') throw new LanyingError('session.required');
    return this.#stage.session;
  }

  readonly unlockWithRecoveryCode = async (code: string): Promise<void> =>
    this.#unlocked(await (await this.#desk()).unlockWithCode(this.#connection, this.#lockedSession(), code));
  readonly unlockWithPasskey = async (): Promise<void> => this.#unlocked(await (await this.#desk()).unlockWithPasskey(this.#connection, this.#lockedSession()));

  async signOut(forget: boolean): Promise<void> {
    try {
      await (await this.#desk()).endSession();
    } catch (cause) {
      const over = cause instanceof LanyingError && cause.code === 'session.required';
      if (!over && !forget) throw cause;
    }
    await this.#leave(forget);
  }

  async #leave(forget: boolean): Promise<void> {
    if (this.#stage.kind === 'home') this.#stage.home.close();
    this.#connection.stop();
    this.#notices = [];
    if (forget) await this.store.erase();
    await this.#signedOut('none');
  }

  readonly ask = <N extends AskedCommand>(command: N, input: AskedInput<N>): Promise<Output<N>> => this.#mending(ask(this.#connection, this.platform.network, command, input));
  readonly #mending = <T>(work: Promise<T>): Promise<T> => work.finally(() => this.#must && void this.#online()); // [A17] It may be done now.
  readonly addPasskey = async (name: string): Promise<PasskeyAdded> => this.#mending((await this.#factors()).addPasskey(name, this.#stage.kind === 'home' ? this.#stage.home.vault : null));
  readonly stepUpWithPasskey = async (): Promise<Output<'session.stepUp'>> => (await this.#factors()).stepUp();
  async administer<M extends AdministrationMethod>(method: M, ...input: Parameters<AdministrationApi[M]>): Promise<Awaited<ReturnType<AdministrationApi[M]>>> {
    const answer = await (await desk()).administer(this.#home(), this.#connection, this.platform.network, method, input);
    if (method === 'confirmOwnErasure') await this.#leave(true);
    return answer;
  }

  // People and invites

  async createInvite(role: 'admin' | 'member', label?: string): Promise<{ readonly inviteId: InviteId; readonly link: string; readonly expiresAt: number }> {
    const { inviteId, link, expiresAt } = await this.#connection.call('invite.create', { role, ...(label === undefined ? {} : { label }) });
    return { inviteId, link, expiresAt };
  }
  readonly listInvites = async (): Promise<Output<'invite.list'>['invites']> => (await this.#connection.call('invite.list', {})).invites;
  readonly revokeInvite = async (inviteId: InviteId): Promise<void> => void (await this.#connection.call('invite.revoke', { inviteId }));
  readonly refreshPeople = async (): Promise<void> => this.#home().directory.refresh();
  readonly acceptIdentity = async (userId: UserId): Promise<void> => this.#home().acceptIdentity(userId);
  readonly setVerified = async (userId: UserId, digits: string, verified: boolean): Promise<void> => this.#home().directory.setVerified(userId, digits, verified);
  readonly acceptDirectory = async (): Promise<void> => this.#home().acceptDirectory();
  readonly dismissNotices = async (): Promise<void> => {
    this.#notices = [];
    this.#changed();
  };

  // Conversations

  #home(): Home {
    if (this.#closed) throw new LanyingError('engine.closed');
    if (this.#stage.kind === 'locked' || this.#stage.kind === 'arriving') throw new LanyingError('vault.locked');
    if (this.#stage.kind !== 'home') throw new LanyingError('session.required');
    return this.#stage.home;
  }

  readonly createConversation = async (input: { readonly title: string | null; readonly members: readonly UserId[] }): Promise<ConversationId> => this.#home().createConversation(input.title, input.members);
  readonly renameConversation = async (id: ConversationId, title: string): Promise<void> => this.#home().rename(id, title);
  readonly addMembers = async (id: ConversationId, members: readonly UserId[]): Promise<void> => this.#home().addMembers(id, members);
  readonly removeMember = async (id: ConversationId, member: UserId): Promise<void> => this.#home().removeMember(id, member);
  readonly leaveConversation = async (id: ConversationId): Promise<void> => this.#home().leave(id);
  readonly send = async (id: ConversationId, text: string): Promise<MessageId> => this.#home().send(id, text);
  readonly retrySend = async (id: ConversationId, message: MessageId): Promise<void> => this.#home().retry(id, message);
  readonly discardSend = async (id: ConversationId, message: MessageId): Promise<void> => this.#home().discard(id, message);
  readonly setDraft = async (id: ConversationId, text: string): Promise<void> => this.#home().setDraft(id, text);
  readonly typing = async (id: ConversationId): Promise<void> => this.#home().typing(id);
  readonly openTimeline = async (id: ConversationId, around: number | null = null): Promise<void> => this.#home().openTimeline(id, around);
  readonly closeTimeline = async (id: ConversationId): Promise<void> => void this.#home().closeTimeline(id);
  readonly loadOlder = async (id: ConversationId): Promise<void> => this.#home().loadOlder(id);
  readonly loadNewer = async (id: ConversationId): Promise<void> => this.#home().loadNewer(id);
  readonly find: Engine['find'] = async (kind, input) => (await this.#home().finding()).find(kind, input);
  readonly markRead = async (id: ConversationId, sequence: number): Promise<void> => this.#home().markRead(id, sequence);

  // Devices

  readonly renameDevice = async (id: DeviceId, label: string): Promise<void> => this.#home().devices.rename(id, label);
  readonly removeDevice = async (id: DeviceId): Promise<void> => this.#home().removeDevice(id);
  readonly prepareRecoveryCode = async (): Promise<string> => (await this.#codes()).prepare(this.#home().vault);
  readonly keepRecoveryCode = async (replaces: readonly UnlockerId[]): Promise<void> => (await this.#codes()).keep(this.#home().vault, replaces);
  readonly addPasskeyUnlocker = async (): Promise<void> => (await this.#codes()).addPasskey(this.#home().vault, this.#home().me.userId);
  readonly removeUnlocker = async (id: UnlockerId): Promise<void> => this.#home().vault.remove(id);
  readonly askApproval = async (): Promise<void> => {
    const session = this.#lockedSession();
    await this.#approving.ask(async (vaultKey) => this.#unlocked(await (await this.#desk()).unlockWithKey(this.#connection, session, vaultKey)));
  };
  readonly prepareAnew = async (): Promise<RecoveryCodes> => (this.#lockedSession(), (await this.#desk()).prepareAnew());
  readonly finishAnew = async (): Promise<void> => this.#unlocked(await (await this.#desk()).finishAnew(this.#connection, this.#lockedSession()));
  readonly answerApproval = async (code: string): Promise<void> => this.#approving.answer(code, () => this.#home().vault.vaultKey);
  readonly confirmApproval = async (same: boolean): Promise<void> => this.#approving.confirm(same);
  readonly closeApproval = async (): Promise<void> => this.#approving.close();
  readonly reopenVault = async (code: string): Promise<void> => (await this.#codes()).reopen(this.#home().vault, code);

  /** Resolves when this sign-in has caught up with the server once; rejects with `engine.closed`. */
  synced(): Promise<void> {
    return until(this.#snapshots, () => this.#stage.kind === 'home' && this.#stage.synced, () => this.#closed);
  }

  /** Sequence of a message of this device once it is acknowledged; rejects with the code that it failed with. */
  delivered(conversationId: ConversationId, id: MessageId): Promise<number> {
    return this.#home().delivered(conversationId, id);
  }

  async readTexts(conversationId: ConversationId, before: number | null, limit: number): Promise<readonly TextEntry[]> {
    return readTexts(this.#home(), conversationId, before, limit);
  }
  onText(listener: (conversationId: ConversationId, entry: TextEntry) => void): () => void {
    return this.#texts.add(({ conversationId, entry }) => listener(conversationId, entry));
  }
}

/** An engine on its platform. Resolves as soon as its first snapshot means something; connecting goes on behind it. */
export async function createEngine(platform: Platform): Promise<LanyingEngine> {
  const engine = new LanyingEngine(platform, await SealedStore.open(platform.store));
  await engine.start();
  return engine;
}
