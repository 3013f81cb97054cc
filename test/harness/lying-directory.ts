/**
 * A server that shows one client another key directory than everybody else, signed by the server's own key: what whoever
 * controls the server could do. Answers the three commands by itself from leaves of the test's choice.
 */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import * as v from 'valibot';
import { checkpointText, keyIdOf, parseVerifierKey, signedNote } from '#protocol/checkpoint.ts';
import type { ServerFrame } from '#protocol/codec.ts';
import { commands } from '#protocol/commands/index.ts';
import { directoryLeafBytes } from '#protocol/directory.ts';
import { appendLeaf, type CompactRange, consistencyProof, emptyRange, leafHash, nodeHash, rootOf } from '#protocol/merkle.ts';
import { openLevelStore } from '../../server/storage/level/store.ts';
import { systemRuntime } from '../../server/ops/system-runtime.ts';
import type { LyingNetwork } from './lying-network.ts';
import type { TestServer } from './server.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const digest = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest();
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Seed of the key that signs the directory's heads, from a server that is stopped meanwhile. */
export async function directorySeed(server: TestServer, masterKey: Bytes = new Uint8Array(32).fill(7)): Promise<Bytes> {
  await server.stop();
  const store = await openLevelStore({ folder: server.dataFolder, masterKey, runtime: systemRuntime });
  const seed = await store.directory.signingSeed();
  await store.close();
  await server.restart();
  return seed;
}

export class LyingDirectory {
  /** What the victim is shown; null: the truth. */
  leaves: readonly Bytes[] | null = null;
  /** Of the truth, as it passes by. */
  verifierKey = '';
  readonly #seed: Bytes;

  constructor(network: LyingNetwork, seed: Bytes) {
    this.#seed = seed;
    network.answer = (command, input) => this.#answer(command, input);
    network.overhear = (frame, command) => {
      if (frame.kind === 'answer' && command === 'directory.head') this.verifierKey = v.parse(commands['directory.head'].output, frame.output).verifierKey;
    };
  }

  head(leaves: readonly Bytes[]) {
    const key = parseVerifierKey(digest, this.verifierKey);
    if (key === null) throw new Error('no head passed by yet');
    const root = rootOf(digest, rangeOf(leaves));
    const text = checkpointText({ origin: key.name, size: leaves.length, root });
    const secret = createPrivateKey({ key: Buffer.concat([privatePrefix, this.#seed]), format: 'der', type: 'pkcs8' });
    const signature = new Uint8Array(sign(null, Buffer.from(text), secret));
    return { size: leaves.length, root, signature, checkpoint: signedNote(text, key.name, keyIdOf(digest, key.name, key.publicKey), signature) };
  }

  async #answer(command: string, input: unknown): Promise<Pick<Extract<ServerFrame, { kind: 'answer' }>, 'output'> | { readonly code: 'directory.ahead' } | null> {
    const { leaves } = this;
    if (leaves === null) return null;
    if (command === 'directory.head') {
      const { since = 0 } = v.parse(commands['directory.head'].input, input);
      if (since > leaves.length) return { code: 'directory.ahead' };
      const consistency = await consistencyProof(digest, (level, index) => Promise.resolve(subtree(leaves, level, index)), since, leaves.length);
      return { output: { checkpoint: this.head(leaves).checkpoint, verifierKey: this.verifierKey, consistency } };
    }
    if (command !== 'directory.leaves') return null;
    const { from, limit = 2_000 } = v.parse(commands['directory.leaves'].input, input);
    const page = leaves.slice(from, from + limit);
    return { output: { leaves: joined(page), more: from + page.length < leaves.length } };
  }
}

const rangeOf = (leaves: readonly Bytes[]): CompactRange =>
  leaves.reduce((range, leaf) => appendLeaf(digest, range, leafHash(digest, leaf)).range, emptyRange);

function subtree(leaves: readonly Bytes[], level: number, index: number): Uint8Array {
  if (level === 0) return leafHash(digest, leaves[index] ?? new Uint8Array(0));
  return nodeHash(digest, subtree(leaves, level - 1, 2 * index), subtree(leaves, level - 1, 2 * index + 1));
}

function joined(parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

export function leavesOf(bytes: Uint8Array): readonly Bytes[] {
  const leaves: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += directoryLeafBytes) leaves.push(new Uint8Array(bytes.slice(at, at + directoryLeafBytes)));
  return leaves;
}
