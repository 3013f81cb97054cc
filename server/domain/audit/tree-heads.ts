/** The key of a log of the server's (audit, key directory) and the tree heads that it signs ([U4], [X3]). */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { checkpointText, keyIdOf, logNameOf, signedNote, verifierKey } from '#protocol/checkpoint.ts';
import { rootOf } from '#protocol/merkle.ts';
import type { TreeLog } from '../../ports/tree-log.ts';
import { sha256, utf8 } from '../digests.ts';

/** PrivateKeyInfo of an Ed25519 seed before its 32 bytes (RFC 8410 §7). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface SignedHead {
  readonly size: number;
  readonly root: Uint8Array<ArrayBuffer>;
  /** C2SP signed note. */
  readonly checkpoint: string;
}

type Heads = Pick<TreeLog, 'tree' | 'signingSeed' | 'logName'>;

interface Signer {
  readonly secret: KeyObject;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export class TreeHeads {
  readonly #store: Heads;
  readonly #name: () => Promise<string>;
  #signer: Promise<Signer> | null = null;

  /** `origin`: of the server, from which the log gets its name once; `looks` only looks, and names nothing ([U12]). */
  constructor(store: Heads, origin: string, as: 'keeps' | 'looks' = 'keeps', log: 'audit' | 'directory' = 'audit') {
    this.#store = store;
    this.#name = () => store.logName(logNameOf(origin, log), as === 'keeps');
  }

  async publicKey(): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#key()).publicKey;
  }

  /** As C2SP signed notes write it: name+key id+base64. */
  async verifierKey(): Promise<string> {
    return verifierKey(sha256, await this.#name(), await this.publicKey());
  }

  /** Ed25519 signature of anything else that the server vouches for (receipts); `context` keeps it apart from tree heads. */
  async sign(context: string, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const { secret } = await this.#key();
    return new Uint8Array(sign(null, Buffer.concat([utf8(`lanying ${context}\0`), message]), secret));
  }

  /** Over what is on disk, never over what could still be lost. */
  async head(): Promise<SignedHead> {
    const tree = await this.#store.tree();
    const root = rootOf(sha256, tree);
    const name = await this.#name();
    const text = checkpointText({ origin: name, size: tree.size, root });
    const { secret, publicKey } = await this.#key();
    const signature = sign(null, utf8(text), secret);
    return {
      size: tree.size,
      root,
      checkpoint: signedNote(text, name, keyIdOf(sha256, name, publicKey), signature),
    };
  }

  async #key(): Promise<Signer> {
    try {
      return await (this.#signer ??= this.#open());
    } catch (cause) {
      this.#signer = null;
      throw cause;
    }
  }

  async #open(): Promise<Signer> {
    const seed = await this.#store.signingSeed();
    const secret = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
    seed.fill(0);
    return {
      secret,
      publicKey: new Uint8Array(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32)),
    };
  }
}
