import type { ConversationId } from '#protocol/ids.ts';
import { type ConversationView, type EngineSnapshot, LanyingError, type RecoveryCodes, type SecurityNotice } from '../engine/api.ts';
import { SdkAccount } from './account.ts';
import { changedView, LiveConversation, messageOf } from './conversation.ts';
import { devicesOf } from './devices.ts';
import type { HeadlessEngine } from './engine.ts';
import { Listeners } from './listeners.ts';
import { People } from './people.ts';
import type { Account, AuditReader, Client, ClientEvents, Conversation, Devices, Found, Me, SearchOptions, SecurityEvent, Verification } from './types.ts';
import { search } from './search.ts';
import { verificationOf } from './verification.ts';

export class SdkClient implements Client {
  readonly recoveryCode: string | null;
  readonly spareRecoveryCode: string | null;
  readonly conversations: Client['conversations'];
  readonly audit: AuditReader;
  readonly account: Account;
  readonly devices: Devices;
  readonly verification: Verification;
  readonly #engine: HeadlessEngine;
  readonly #people: People;
  readonly #listeners: Listeners;
  readonly #live = new Map<ConversationId, LiveConversation>();
  readonly #stops: (() => void)[];
  #views = new Map<ConversationId, ConversationView>();
  #connection: EngineSnapshot['connection']['state'];
  #notices: ReadonlySet<SecurityNotice>;

  constructor(engine: HeadlessEngine, audit: AuditReader, codes: RecoveryCodes | null, rethrow: (cause: unknown) => void) {
    this.audit = audit;
    this.account = new SdkAccount(engine);
    this.devices = devicesOf(engine);
    this.recoveryCode = codes?.code ?? null;
    this.spareRecoveryCode = codes?.spare ?? null;
    this.#engine = engine;
    this.#people = new People(engine);
    this.verification = verificationOf(engine, this.#people);
    this.#listeners = new Listeners(rethrow);
    const now = engine.snapshot();
    this.#connection = now.connection.state;
    this.#notices = new Set(now.notices);
    for (const view of now.conversations) this.#views.set(view.conversationId, view);
    this.#stops = [
      engine.onSnapshot((snapshot) => this.#compare(snapshot)),
      engine.onText((conversationId, entry) => {
        this.#listeners.tell('message', { conversation: this.#conversation(conversationId), message: messageOf(this.#people, entry) });
      }),
    ];
    this.conversations = {
      create: (options) => this.#create(options),
      list: () => this.#list(),
    };
  }

  /** Throws `vault.locked` while the vault is. */
  get me(): Me {
    const { account } = this.#engine.snapshot();
    if (account.state === 'ready') return account.me;
    throw new LanyingError(account.state === 'vault-locked' ? 'vault.locked' : 'session.required');
  }

  async createInvite({ role = 'member' }: { readonly role?: 'admin' | 'member' } = {}): Promise<{ readonly link: string; readonly expiresAt: number }> {
    const { link, expiresAt } = await this.#engine.createInvite(role);
    return { link, expiresAt };
  }

  search(options: SearchOptions): Promise<readonly Found[]> {
    return search(this.#engine, this.#people, (id) => this.#conversation(id), options);
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#listeners.clear();
    await this.#engine.close();
  }

  async #create({ title, members }: { readonly title?: string; readonly members: readonly string[] }): Promise<Conversation> {
    const me = this.me.userId;
    const ids = await Promise.all([...new Set(members)].map((handle) => this.#people.idOf(handle)));
    const others = ids.filter((userId) => userId !== me);
    return this.#conversation(await this.#engine.createConversation({ title: title ?? null, members: others }));
  }

  async #list(): Promise<readonly Conversation[]> {
    // Locked: there is nothing that could be listed, and the first synchronisation would never come.
    void this.me;
    await this.#engine.synced();
    return this.#engine.snapshot().conversations.map(({ conversationId }) => this.#conversation(conversationId));
  }

  #conversation(id: ConversationId): LiveConversation {
    const known = this.#live.get(id) ?? new LiveConversation(id, this.#engine, this.#people);
    this.#live.set(id, known);
    return known;
  }

  #compare({ connection, conversations, notices }: EngineSnapshot): void {
    const before = this.#views;
    const heard = this.#notices;
    this.#views = new Map(conversations.map((view) => [view.conversationId, view]));
    this.#notices = new Set(notices);
    const newState = connection.state !== this.#connection;
    this.#connection = connection.state;
    if (newState) this.#listeners.tell('connection', { state: connection.state });
    for (const view of conversations) {
      if (changedView(before.get(view.conversationId), view)) this.#listeners.tell('conversation', { conversation: this.#conversation(view.conversationId) });
    }
    for (const notice of notices.toReversed()) if (!heard.has(notice)) this.#listeners.tell('security', this.#securityEvent(notice));
  }

  #securityEvent(notice: SecurityNotice): SecurityEvent {
    return {
      kind: notice.kind,
      at: notice.at,
      conversationId: notice.conversationId,
      person: 'userId' in notice ? this.#people.handleOf(notice.userId) : null,
      reason: 'reason' in notice ? notice.reason : null,
    };
  }
}
