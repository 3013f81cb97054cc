/** Reading the key directory: its signed head, its leaves, proofs ([X3]). */
import type { Input, Output } from '#protocol/commands/index.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { directoryLeavesPageMax } from '#protocol/limits.ts';
import { consistencyProof, inclusionProof } from '#protocol/merkle.ts';
import type { DirectoryStore } from '../../ports/directory-store.ts';
import { TreeHeads } from '../audit/tree-heads.ts';
import { joinBytes, sha256 } from '../digests.ts';

const bare = (hashes: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] => hashes.map((hash) => new Uint8Array(hash));

export class KeyDirectory {
  readonly heads: TreeHeads;
  readonly #store: DirectoryStore;
  #begun: Promise<number> | null = null;
  readonly #read = (level: number, index: number): Promise<Uint8Array> => this.#store.subtree(level, index);

  constructor(store: DirectoryStore, origin: string) {
    this.#store = store;
    this.heads = new TreeHeads(store, origin, 'keeps', 'directory');
  }

  /** A store of before the directory gets everybody's leaves; gives how many. */
  begin(): Promise<number> {
    return (this.#begun ??= this.#begin());
  }

  async #begin(): Promise<number> {
    try {
      return await this.#store.begin();
    } catch (cause) {
      this.#begun = null;
      throw cause;
    }
  }

  /** Refuses directory.ahead. */
  async head({ since = 0 }: Input<'directory.head'>): Promise<Result<Output<'directory.head'>>> {
    // Where the disk was full at the start.
    await this.begin();
    const { size, checkpoint } = await this.heads.head();
    if (since > size) return refuse('directory.ahead');
    const consistency = bare(await consistencyProof(sha256, this.#read, since, size));
    return ok({ checkpoint, verifierKey: await this.heads.verifierKey(), consistency });
  }

  async leaves({
    from,
    limit = directoryLeavesPageMax,
  }: Input<'directory.leaves'>): Promise<Output<'directory.leaves'>> {
    const found = await this.#store.leaves(from, limit);
    const { size } = await this.#store.tree();
    return { leaves: joinBytes(...found), more: from + found.length < size };
  }

  /** Refuses directory.ahead. */
  async proof({ size, leaves }: Input<'directory.proof'>): Promise<Result<Output<'directory.proof'>>> {
    if (size > (await this.#store.tree()).size) return refuse('directory.ahead');
    const places = await this.#store.places(leaves);
    const proofs: Output<'directory.proof'>['proofs'] = [];
    for (const index of places)
      proofs.push(
        index === null || index >= size
          ? null
          : { index, inclusion: bare(await inclusionProof(sha256, this.#read, index, size)) },
      );
    return ok({ proofs });
  }
}
