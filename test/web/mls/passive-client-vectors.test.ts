import { joinGroup, makePskIndex } from 'ts-mls/clientState.js';
import { decodeMlsMessage, type MLSMessage } from 'ts-mls/message.js';
import { processMessage } from 'ts-mls/processMessages.js';
import { decodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { bytesToBase64 } from 'ts-mls/util/byteArray.js';
import { describe, expect } from 'vitest';

import { hex } from './people.ts';
import { bytes, onVectors, runnable, suiteOfVector } from './vectors.ts';

interface PassiveClient {
  cipher_suite: number;
  external_psks: { psk_id: string; psk: string }[];
  key_package: string;
  signature_priv: string;
  encryption_priv: string;
  init_priv: string;
  welcome: string;
  ratchet_tree: string | null;
  initial_epoch_authenticator: string;
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[];
}

function message(hexBytes: string): MLSMessage {
  const decoded = decodeMlsMessage(bytes(hexBytes), 0);
  if (decoded === undefined) throw new Error('not an MLSMessage');
  return decoded[0];
}

async function followPassively(vector: PassiveClient, index: number): Promise<void> {
  const suite = await suiteOfVector(vector);
  const welcome = message(vector.welcome);
  const keyPackage = message(vector.key_package);
  if (welcome.wireformat !== 'mls_welcome' || keyPackage.wireformat !== 'mls_key_package') throw new Error('wire formats');
  const keys = {
    initPrivateKey: bytes(vector.init_priv),
    hpkePrivateKey: bytes(vector.encryption_priv),
    signaturePrivateKey: bytes(vector.signature_priv),
  };
  const tree = vector.ratchet_tree === null ? undefined : decodeRatchetTree(bytes(vector.ratchet_tree), 0)?.[0];
  const external = Object.fromEntries(vector.external_psks.map(({ psk_id, psk }) => [bytesToBase64(bytes(psk_id)), bytes(psk)]));
  let state = await joinGroup(welcome.welcome, keyPackage.keyPackage, keys, makePskIndex(undefined, external), suite, tree);
  expect(hex(state.keySchedule.epochAuthenticator), `vector ${index}`).toBe(vector.initial_epoch_authenticator);
  for (const [epoch, { proposals, commit, epoch_authenticator }] of vector.epochs.entries()) {
    for (const step of [...proposals, commit]) {
      const next = message(step);
      if (next.wireformat !== 'mls_public_message' && next.wireformat !== 'mls_private_message') throw new Error('wire format');
      state = (await processMessage(next, state, makePskIndex(state, external), () => 'accept', suite)).newState;
    }
    expect(hex(state.keySchedule.epochAuthenticator), `vector ${index}, epoch ${epoch}`).toBe(epoch_authenticator);
  }
}

describe('the MLS working group: a passive client follows groups made by other implementations', () => {
  onVectors<PassiveClient>('mls/passive-client-welcome.json', 'joins', followPassively, runnable);
  onVectors<PassiveClient>('mls/passive-client-handling-commit.json', 'handles commits', followPassively, runnable);
  onVectors<PassiveClient>('mls/passive-client-random.json', 'follows 200 random epochs', followPassively, runnable);
});
