/** Everything of one signed-in device, from the moment its vault is open until it signs out. */
import { type ConversationId, type DeviceId, idBytes, idFromBytes, type MessageId, type UserId } from '#protocol/ids.ts';
import { type AuditView, LanyingError, type ConversationView, type PersonView, type SecurityNotice, type TimelineView } from './api.ts';
import type { Connection, ServerEvent } from './connection.ts';
import { BodyCipher } from './content/body.ts';
import { encodeContent, textBytesMax, type ToldHead } from './content/content.ts';
import type { Conversation } from './conversation/conversation.ts';
import { handIn } from './conversation/handing-in.ts';
import { Outbox } from './conversation/outbox.ts';
import type { ConversationListener, Parts } from './conversation/parts.ts';
import type { Typing } from './conversation/typing.ts';
import { Devices } from './devices.ts';
import { Directory } from './directory.ts';
import { late } from './late.ts';
import type { Runtime, Timer } from './ports.ts';
import { Rooms } from './rooms.ts';
import { type AccountState, after, drafts, type MessageState, wholeHistory } from './store/records.ts';
import type { SealedStore } from './store/sealed-store.ts';
import { textOf, type TextEntry } from './texts.ts';
import { isBlocked, requireDirectory, requireTrust } from './trust.ts';
import { VaultDesk } from './vault-desk.ts';
import { VaultCipher } from './vault/vault-cipher.ts';
import { conversationView } from './views.ts';
import { Binder } from './binder.ts';
import { Upkeep } from './upkeep.ts';
import { Windows } from './windows.ts';

/** Nobody makes conversations, adds people or publishes keys without a connection. */
const creating = late(() => import('./conversation/creating.ts'));
const claiming = late(() => import('./conversation/claiming.ts'));
const typings = late(() => import('./conversation/typing.ts'));
const keys = late(() => import('./keys.ts'));

const refillAfterMs = 3_000;

export interface HomeListener {
  onChange(): void;
  onTimeline(view: TimelineView): void;
  onNotice(notice: SecurityNotice): void;
  onText(conversationId: ConversationId, entry: TextEntry): void;
  /** Something went wrong beneath: the connection is worth a new try. */
  onTrouble(cause: unknown): void;
}

export class Home implements ConversationListener {
  readonly rooms: Rooms;
  readonly #outbox: Outbox;
  #typing: Typing | null = null;
  readonly parts: Parts;
  readonly #drafts = new Map<ConversationId, string>();
  readonly #windows: Windows;
  readonly #upkeep: Upkeep;
  readonly #binder: Binder;
  readonly #audit = late(async () => new (await import('./audit-watch.ts')).AuditWatch(this.runtime, this.store, this.connection, this.listener.onNotice, (view) => ((this.audit = view), this.listener.onChange())));
  #refilling: Timer | null = null;
  audit: AuditView | null = null;

  readonly finding = late(async () => new (await import('./finding.ts')).Finding(this));
  readonly vault: VaultDesk;

  private constructor(
    readonly runtime: Runtime,
    readonly connection: Connection,
    readonly directory: Directory,
    readonly devices: Devices,
    readonly store: SealedStore,
    readonly me: AccountState,
    cipher: VaultCipher,
    readonly listener: HomeListener,
  ) {
    this.parts = { runtime, store, connection, directory, devices, cipher: new BodyCipher(runtime), vault: cipher, me, listener: this };
    const conversations = (): readonly ConversationId[] => this.rooms.all().map(({ id }) => id);
    this.vault = new VaultDesk({ runtime, store, connection, directory, devices, cipher, conversations, onChange: () => listener.onChange() }, me);
    this.rooms = new Rooms(this.parts, (room) => this.#added(room));
    this.#outbox = new Outbox(this.parts, (room) => isBlocked(room, directory, me.userId));
    this.#windows = new Windows({ parts: this.parts, outbox: this.#outbox, typing: (id) => this.#typing?.of(id) ?? [], emit: (view) => listener.onTimeline(view) });
    this.#binder = new Binder(runtime, store, () => this.rooms, (work) => this.background(work));
    this.#upkeep = new Upkeep(runtime, connection, () => this.rooms, (work) => this.background(work));
  }

  static async open(runtime: Runtime, connection: Connection, store: SealedStore, me: AccountState, listener: HomeListener): Promise<Home> {
    const vault = await VaultCipher.create(runtime, me.userId, me.vaultKey, me.earlierKeys);
    const directory = new Directory(runtime, store, connection, vault, me, listener);
    await directory.load();
    const devices = new Devices(runtime, store, connection, directory, me, listener);
    await devices.load();
    const home = new Home(runtime, connection, directory, devices, store, me, vault, listener);
    await home.rooms.load();
    await home.#outbox.load();
    for (const { name, value } of await store.range(drafts, '', after(''), 10_000)) {
      const room = home.rooms.all().find(({ id }) => id === name);
      if (room !== undefined) home.#drafts.set(room.id, value.text);
    }
    return home;
  }

  close(): void {
    this.store.recall();
    this.#upkeep.close();
    this.#binder.close();
    this.#refilling?.cancel();
    this.#outbox.close();
  }

  /** After each connection is up and the session is this device's. */
  async synchronise(): Promise<void> {
    this.background(this.checkAudit());
    await this.directory.refresh();
    await this.devices.refresh();
    await this.vault.synchronise();
    await this.rooms.synchronise();
    // As after a restart: what was refused is judged again as the log has it now, and nothing behind it is taken before it holds.
    for (const room of this.rooms.all()) await room.reconsider();
    await handIn(this.rooms, this.#outbox, this.connection);
    this.#refillLater();
    this.#binder.all();
    if ((await this.store.get(wholeHistory)) !== null) (await this.finding()).resume();
  }

  /** Key packages cost tens of milliseconds each: they wait until what a person waits for is done. */
  #refillLater(): void {
    this.#refilling ??= this.runtime.after(refillAfterMs, () => {
      const { runtime, store, connection, me } = this;
      const done = keys().then(({ refill }) => refill({ runtime, store, keys: store.keys, certificate: me.certificate }, connection));
      this.background(done.finally(() => (this.#refilling = null)));
    });
  }

  /** Entries that the server acknowledged to this device are in the local log when it resolves, while the connection lasts. */
  async ownArrived(room: Conversation): Promise<void> {
    const missing = () => this.#outbox.queued(room.id).some(({ acknowledged }) => (acknowledged ?? 0) > room.state.cursor.sequence);
    if (!missing() || !this.connection.online) return;
    await room.exclusively(async () => {
      if (missing()) await room.catchUp();
    });
  }

  async checkAudit(pushed: string | null = null): Promise<AuditView | null> {
    return this.me.role === 'member' ? null : (await this.#audit()).check(pushed);
  }

  onEvent(event: ServerEvent): void {
    this.background(this.#handle(event));
  }

  async #handle(event: ServerEvent): Promise<void> {
    if (event.name === 'entry') return this.rooms.entry(event.payload);
    if (event.name === 'conversation') {
      const { members } = event.payload.conversation;
      await this.rooms.heard(event.payload.conversation);
      return this.directory.lookFor(members.flatMap(({ userId, leaving }) => (leaving ? [userId] : [])));
    }
    if (event.name === 'removed') return this.rooms.removed(event.payload.conversationId);
    if (event.name === 'lagged') return this.rooms.lagged(event.payload.conversationIds);
    if (event.name === 'keyPackages') return this.#refillLater();
    if (event.name === 'devices') return this.#devicesChanged(event.payload.userId);
    if (event.name === 'vault') return this.vault.synchronise();
    if (event.name === 'auditHead') return void (await this.checkAudit(event.payload.checkpoint));
    const room = 'conversationId' in event.payload ? this.rooms.get(event.payload.conversationId) : null;
    if (room === null) return;
    if (event.name === 'signal') return (await this.#typer()).heard(room, event.payload);
    if (event.name === 'read') await this.#read(room, event.payload.readSequence);
  }

  async #devicesChanged(userId: UserId): Promise<void> {
    await this.directory.refresh();
    await this.devices.changed(userId);
    if (userId === this.me.userId) await this.vault.synchronise();
  }

  // What conversations tell.

  onConversation(conversationId: ConversationId): void {
    this.#windows.push(conversationId);
    this.listener.onChange();
    const room = this.rooms.get(conversationId);
    if (room !== null && this.connection.writable) this.background(this.rooms.archive(room));
  }

  onEntry(conversationId: ConversationId, message: MessageState): void {
    this.#windows.entered(conversationId, message);
    this.#typing?.spoke(conversationId, message.entry.user);
    if (message.entry.device === this.me.deviceId) this.background(this.#outbox.arrived(conversationId, message.entry.id, message.entry.sequence));
    const text = textOf(message);
    if (text !== null) this.listener.onText(conversationId, text);
    if (message.shown.type === 'left') this.#upkeep.tidyLater(conversationId);
    this.#windows.push(conversationId);
  }

  readonly onNotice = (notice: SecurityNotice): void => this.listener.onNotice(notice);

  onLeavers(conversationId: ConversationId): void {
    this.#upkeep.tidyLater(conversationId);
  }

  readonly onHead = (from: UserId, head: ToldHead): void => this.background(this.directory.tree.heard(from, head));

  onPurged(conversationId: ConversationId, sequence: number, missed: boolean): void {
    this.#windows.purged(conversationId, sequence);
    this.background(this.#outbox.purged(conversationId, sequence, missed));
    this.#windows.push(conversationId);
  }

  background(work: Promise<unknown>): void {
    work.catch((cause: unknown) => {
      this.listener.onTrouble(cause);
    });
  }

  /** A window that is open over what was entered anew stands on the state before: it opens again. */
  #added({ id }: Conversation): void {
    this.onConversation(id);
    if (this.#windows.has(id)) this.background(this.openTimeline(id));
  }

  // What screens ask.

  get waiting(): number {
    return this.#outbox.waiting;
  }

  readonly people = (): readonly PersonView[] => this.directory.views();

  views(): readonly ConversationView[] {
    const changed = (userId: UserId): boolean => this.directory.changed(userId);
    return this.rooms
      .all()
      .map((room) => conversationView(room, this.#outbox.queued(room.id), this.#drafts.get(room.id) ?? '', this.me.userId, changed))
      .toSorted((a, b) => b.activeAt - a.activeAt || (a.conversationId < b.conversationId ? -1 : 1));
  }

  #room(conversationId: ConversationId): Conversation {
    const room = this.rooms.get(conversationId);
    if (room === null) throw new LanyingError('conversation.unknown');
    return room;
  }

  #active(conversationId: ConversationId): Conversation {
    const room = this.#room(conversationId);
    if (!room.state.active) throw new LanyingError('conversation.left');
    return room;
  }

  #trusted(conversationId: ConversationId): Conversation {
    const room = this.#active(conversationId);
    requireTrust(room, this.directory, this.me.userId);
    return room;
  }

  /** Its leaves go with the first commits; where this device is not yet in, with those of others. */
  async removeDevice(deviceId: DeviceId): Promise<void> {
    const removal = async (): Promise<void> => {
      await this.devices.remove(deviceId);
      for (const room of this.rooms.all()) this.background(this.#upkeep.tidy(room));
    };
    await (deviceId === this.me.deviceId ? removal() : this.vault.goes(removal));
  }

  /** What was blocked goes out. */
  #goOn(): void {
    for (const room of this.rooms.all()) this.background(room.reconsider().then(() => this.#outbox.flush(room)));
  }

  async acceptDirectory(): Promise<void> {
    await this.directory.tree.decide();
    await this.directory.refresh();
    this.#goOn();
  }

  async createConversation(title: string | null, members: readonly UserId[]): Promise<ConversationId> {
    requireDirectory(this.directory);
    const others = [...new Set(members)].filter((userId) => userId !== this.me.userId);
    const room = await this.rooms.making(() => creating().then(({ create }) => create(this.parts, title, others)));
    return room.id;
  }

  async rename(conversationId: ConversationId, title: string): Promise<void> {
    const room = this.#trusted(conversationId);
    await room.exclusively(() => this.#say(room, 'meta', encodeContent({ type: 'meta', title })));
  }

  async leave(conversationId: ConversationId): Promise<void> {
    const room = this.#active(conversationId);
    await room.exclusively(async () => {
      await this.#say(room, 'leave', encodeContent({ type: 'leave' }));
      await room.update({ active: false });
    });
  }

  /** A sealed entry that is not queued: a title or a farewell, tried again while epochs move. */
  async #say(room: Conversation, kind: 'meta' | 'leave', content: Uint8Array<ArrayBuffer>): Promise<void> {
    const id = idFromBytes<MessageId>(this.runtime.random(idBytes));
    for (let attempt = 0; ; attempt += 1) {
      const { epoch, secrets } = await room.present();
      const message = { id, epoch, body: await room.seal(secrets, epoch, id, kind, content) };
      try {
        if (kind === 'leave') await this.connection.call('conversation.leave', { conversationId: room.id, message });
        else await this.connection.call('conversation.send', { conversationId: room.id, kind, message });
        return;
      } catch (cause) {
        const again = cause instanceof LanyingError && (cause.code === 'epoch.stale' || cause.code === 'message.seen_refused') && attempt < 8;
        if (!again) throw cause;
        await room.catchUp();
        await room.learnLeavers(cause);
        if (room.leavers().length > 0) await room.submit(() => Promise.resolve({}));
      }
    }
  }

  async addMembers(conversationId: ConversationId, userIds: readonly UserId[]): Promise<void> {
    const room = this.#trusted(conversationId);
    await room.exclusively(() =>
      room.submit(async (_group, state) => {
        const { claim } = await claiming();
        const add = await claim(this.parts, userIds, state.suite, state.members);
        return add.length === 0 ? null : { add: [...add] };
      }),
    );
  }

  async removeMember(conversationId: ConversationId, userId: UserId): Promise<void> {
    const room = this.#active(conversationId);
    await room.exclusively(() =>
      room.submit(() => {
        const remove = room.leavesOf([userId]);
        return Promise.resolve(remove.length === 0 ? null : { remove: [...remove] });
      }),
    );
  }

  async send(conversationId: ConversationId, text: string): Promise<MessageId> {
    const room = this.#trusted(conversationId);
    if (text.trim() === '') throw new LanyingError('message.empty');
    if (new TextEncoder().encode(text).length > textBytesMax) throw new LanyingError('message.too_long');
    const id = await this.#outbox.add(conversationId, text);
    this.background(this.#windows.sent(room));
    this.background(this.#outbox.flush(room));
    return id;
  }

  /** Sequence of a queued message once it is acknowledged; rejects with the code that it failed with. */
  delivered(conversationId: ConversationId, id: MessageId): Promise<number> {
    return new Promise((resolve, reject) => this.#outbox.watch(conversationId, id, { resolve, reject }));
  }

  async retry(conversationId: ConversationId, id: MessageId): Promise<void> {
    await this.#outbox.retry(conversationId, id);
    this.background(this.#outbox.flush(this.#room(conversationId)));
  }

  readonly discard = (conversationId: ConversationId, id: MessageId): Promise<void> => this.#outbox.discard(conversationId, id);

  /** After an identity was decided on: what was blocked goes out. */
  async acceptIdentity(userId: UserId): Promise<void> {
    await this.directory.accept(userId);
    this.#goOn();
  }

  async setDraft(conversationId: ConversationId, text: string): Promise<void> {
    const room = this.#room(conversationId);
    this.#drafts.set(room.id, text);
    await this.store.write([text === '' ? this.store.remove(drafts, room.id) : await this.store.put(drafts, room.id, { text })]);
    this.listener.onChange();
  }

  async #typer(): Promise<Typing> {
    const { Typing } = await typings();
    return (this.#typing ??= new Typing(this.parts, (id) => this.#windows.push(id)));
  }

  async typing(conversationId: ConversationId): Promise<void> {
    const room = this.#active(conversationId);
    if (this.connection.online) await (await this.#typer()).say(room);
  }

  /** `around`: a sequence to show, else the newest. */
  async openTimeline(conversationId: ConversationId, around: number | null = null): Promise<void> {
    await this.#windows.open(this.#room(conversationId), around);
  }

  readonly closeTimeline = (conversationId: ConversationId): boolean => this.#windows.close(conversationId);
  readonly loadOlder = (conversationId: ConversationId): Promise<void> => this.#windows.older(conversationId);
  readonly loadNewer = (conversationId: ConversationId): Promise<void> => this.#windows.newer(conversationId);

  async markRead(conversationId: ConversationId, sequence: number): Promise<void> {
    const room = this.#room(conversationId);
    if (sequence <= room.state.readSequence) return;
    await this.#read(room, sequence);
    if (this.connection.online && room.state.active) await this.connection.call('conversation.markRead', { conversationId, sequence });
  }

  async #read(room: Conversation, sequence: number): Promise<void> {
    await room.exclusively(async () => {
      if (sequence <= room.state.readSequence) return;
      const unread = sequence >= room.state.cursor.sequence ? 0 : await this.rooms.unreadBehind(room, sequence);
      await room.update({ readSequence: sequence, unread });
    });
  }
}
