/** What the server says under its own Ed25519 key (RFC 8032; the key of the audit log's tree heads). Statements begin with what they are, so none stands for another. */
import nacl from 'tweetnacl';
import { type Floor, floorStatement } from '#protocol/floor.ts';
import { receiptPrefix, type SignedReceipt } from '#protocol/retention.ts';
import type { AuditStore } from '../../ports/audit-store.ts';
import type { ConversationRecord } from '../../ports/store.ts';

const text = new TextEncoder();

export class ServerKey {
  readonly #audit: Pick<AuditStore, 'signingSeed'>;
  #pair: Promise<nacl.SignKeyPair> | null = null;

  constructor(audit: Pick<AuditStore, 'signingSeed'>) {
    this.#audit = audit;
  }

  /** 32 bytes; clients pin it. */
  async publicKey(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array((await this.#keys()).publicKey);
  }

  async floor({
    conversationId,
    generation,
    floor,
  }: Pick<ConversationRecord, 'conversationId' | 'generation' | 'floor'>): Promise<Floor | null> {
    if (floor === null) return null;
    const { sequence, hash, purgedAt } = floor;
    const signature = await this.#sign(floorStatement(conversationId, generation, { sequence, hash, purgedAt }));
    return { sequence, hash: new Uint8Array(hash), purgedAt, signature };
  }

  async receipt(statement: string): Promise<SignedReceipt> {
    return { statement, signature: await this.#sign(text.encode(receiptPrefix + statement)) };
  }

  async #sign(statement: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(nacl.sign.detached(statement, (await this.#keys()).secretKey));
  }

  #keys(): Promise<nacl.SignKeyPair> {
    return (this.#pair ??= this.#audit.signingSeed().then((seed) => nacl.sign.keyPair.fromSeed(seed)));
  }
}
