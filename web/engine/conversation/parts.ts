/** What every conversation of one signed-in device shares. */
import type { SecurityNotice } from '../api.ts';
import type { Connection } from '../connection.ts';
import type { BodyCipher } from '../content/body.ts';
import type { Devices } from '../devices.ts';
import type { Directory } from '../directory.ts';
import type { Runtime } from '../ports.ts';
import type { AccountState, MessageState } from '../store/records.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { VaultCipher } from '../vault/vault-cipher.ts';
import type { ToldHead } from '../content/content.ts';
import type { ConversationId, UserId } from '#protocol/ids.ts';

export interface Parts {
  readonly runtime: Runtime;
  readonly store: SealedStore;
  readonly connection: Connection;
  readonly directory: Directory;
  readonly devices: Devices;
  readonly cipher: BodyCipher;
  readonly vault: VaultCipher;
  readonly me: AccountState;
  readonly listener: ConversationListener;
}

export interface ConversationListener {
  /** State, outbox or unread of a conversation changed. */
  onConversation(conversationId: ConversationId): void;
  /** An entry became part of the local log (live or while catching up; not older pages). */
  onEntry(conversationId: ConversationId, message: MessageState): void;
  onNotice(notice: SecurityNotice): void;
  /** Inside a message of somebody's device: a head of the key directory. */
  onHead(from: UserId, head: ToldHead): void;
  /** There are leaves that the next commit must remove. */
  onLeavers(conversationId: ConversationId): void;
  /** Everything up to `sequence` is erased here; `missed`: some of it was never seen on this device. */
  onPurged(conversationId: ConversationId, sequence: number, missed: boolean): void;
}
