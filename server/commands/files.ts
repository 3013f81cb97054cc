/** Who may do what with files ([B5]): the same checks as the router's, for calls that are no rows of the table. */
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { ConversationId, DeviceId, FileId, UserId } from '#protocol/ids.ts';
import { transfersPerPersonMax } from '#protocol/limits.ts';
import type { Person } from '#protocol/model.ts';
import { fileRefusal } from '../domain/files.ts';
import type { FileAction } from '../domain/permissions/policies.ts';
import type { Appending, AppendOptions, FileRecord, Reading } from '../ports/blob-store.ts';
import type { SessionRecord } from '../ports/store.ts';
import type { Services } from './services.ts';

export type { Appending, FileRecord, Reading } from '../ports/blob-store.ts';

type FileServices = Pick<Services, 'accounts' | 'conversations' | 'files' | 'permissions' | 'personLimits' | 'runtime' | 'sessions'>;

export interface Upload {
  readonly file: FileRecord;
  readonly appending: Appending;
  /** Once it has ended, however. */
  readonly release: () => void;
}
export interface Download {
  readonly reading: Reading;
  /** Closes the reader. */
  readonly release: () => Promise<void>;
}

const transferRetryMs = 1_000;

export class FileDesk {
  readonly #services: FileServices;
  readonly #transfers = new Map<UserId, number>();

  constructor(services: FileServices) {
    this.#services = services;
  }

  get fileBytesMax(): number {
    return this.#services.files.limits.fileBytesMax;
  }

  async create(
    session: SessionRecord | null,
    conversationId: ConversationId,
    size: number,
  ): Promise<Result<FileRecord>> {
    const caller = await this.#caller(session);
    if (!caller.ok) return caller;
    const limited = this.#services.personLimits.take(caller.value.userId, 'file.create', null);
    if (limited !== null) return limited;
    if (!(await this.#may(caller.value, 'file.upload', conversationId))) return refuse('conversation.unknown');
    return this.#services.files.create(caller.value.userId, conversationId, size);
  }

  /** How far an upload is; ends an append under way. */
  async progress(session: SessionRecord | null, fileId: FileId): Promise<Result<FileRecord>> {
    const owned = await this.#owned(session, fileId);
    return owned.ok ? this.#services.files.settle(fileId) : owned;
  }

  async append(
    session: SessionRecord | null,
    fileId: FileId,
    offset: number,
    options: AppendOptions,
  ): Promise<Result<Upload>> {
    const owned = await this.#owned(session, fileId);
    if (!owned.ok) return owned;
    const file = owned.value;
    const release = this.#takeTransfer(file.owner);
    if (release === null) return refuse('file.too_many_transfers', { retryAfterMs: transferRetryMs });
    const begun = await this.#holding(release, () => this.#services.files.append(file, offset, options));
    return begun.ok ? ok({ file, appending: begun.value, release }) : begun;
  }

  async remove(session: SessionRecord | null, fileId: FileId): Promise<Result<null>> {
    const owned = await this.#owned(session, fileId);
    return owned.ok ? this.#services.files.remove(fileId) : owned;
  }

  async open(session: SessionRecord | null, fileId: FileId): Promise<Result<Download>> {
    const seen = await this.#seen(session, fileId);
    if (!seen.ok) return seen;
    const release = this.#takeTransfer(seen.value.caller.userId);
    if (release === null) return refuse('file.too_many_transfers', { retryAfterMs: transferRetryMs });
    const opened = await this.#holding(release, () => this.#services.files.open(fileId));
    if (!opened.ok) return opened;
    const reading = opened.value;
    return ok({
      reading,
      release: () => {
        release();
        return reading.close();
      },
    });
  }

  /** [B5] Whether a transfer under way may go on: the session lives and its person is still in the conversation. */
  async mayGoOn(session: SessionRecord, file: FileRecord, action: FileAction): Promise<boolean> {
    const current = await this.#services.sessions.byId(session.sessionId);
    if (current === null) return false;
    const caller = await this.#caller(current);
    return caller.ok && this.#may(caller.value, action, file.conversationId);
  }

  /** What a failure means to the caller. */
  refusal(cause: unknown): Refusal | null {
    return fileRefusal(cause);
  }

  async #caller(session: SessionRecord | null): Promise<Result<Person & { readonly deviceId: DeviceId }>> {
    const { accounts, runtime } = this.#services;
    if (session === null || session.expiresAt <= runtime.now()) return refuse('session.required');
    const person = await accounts.person(session.userId);
    if (person === null) return refuse('session.required');
    return session.deviceId === null ? refuse('device.required') : ok({ ...person, deviceId: session.deviceId });
  }

  async #may(person: Person, action: FileAction, conversationId: ConversationId): Promise<boolean> {
    const { conversations, permissions } = this.#services;
    const relation = await conversations.relation(conversationId, person.userId);
    return permissions.decide(person, action, { kind: 'conversation', relation }) === 'allow';
  }

  /** [C1] To whoever is not in its conversation a file does not exist. */
  async #seen(
    session: SessionRecord | null,
    fileId: FileId,
  ): Promise<Result<{ readonly caller: Person; readonly file: FileRecord }>> {
    const caller = await this.#caller(session);
    if (!caller.ok) return caller;
    const limited = this.#services.personLimits.take(caller.value.userId, 'file.use', null);
    if (limited !== null) return limited;
    const found = await this.#services.files.find(fileId);
    if (!found.ok) return found;
    if (!(await this.#may(caller.value, 'file.download', found.value.conversationId))) return refuse('file.unknown');
    return ok({ caller: caller.value, file: found.value });
  }

  /** Its uploader's alone. */
  async #owned(session: SessionRecord | null, fileId: FileId): Promise<Result<FileRecord>> {
    const seen = await this.#seen(session, fileId);
    if (!seen.ok) return seen;
    return seen.value.file.owner === seen.value.caller.userId ? ok(seen.value.file) : refuse('permission.denied');
  }

  /** Null when the person runs too many. */
  #takeTransfer(userId: UserId): (() => void) | null {
    const running = this.#transfers.get(userId) ?? 0;
    if (running >= transfersPerPersonMax) return null;
    this.#transfers.set(userId, running + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#transfers.get(userId) ?? 1) - 1;
      if (left === 0) this.#transfers.delete(userId);
      else this.#transfers.set(userId, left);
    };
  }

  /** Gives the transfer back unless the work succeeds. */
  async #holding<T>(release: () => void, work: () => Promise<Result<T>>): Promise<Result<T>> {
    let kept = false;
    try {
      const result = await work();
      kept = result.ok;
      return result;
    } finally {
      if (!kept) release();
    }
  }
}
