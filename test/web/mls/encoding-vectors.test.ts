import { determineLength } from 'ts-mls/codec/variableLength.js';
import { decodeCommit, encodeCommit } from 'ts-mls/commit.js';
import { decodeGroupSecrets, encodeGroupSecrets } from 'ts-mls/groupSecrets.js';
import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls/message.js';
import * as proposals from 'ts-mls/proposal.js';
import { decodeRatchetTree, encodeRatchetTree } from 'ts-mls/ratchetTree.js';
import { describe, expect } from 'vitest';

import { hex } from './people.ts';
import { bytes, onVectors, whole } from './vectors.ts';

type Messages = Record<
  | 'mls_welcome'
  | 'mls_group_info'
  | 'mls_key_package'
  | 'ratchet_tree'
  | 'group_secrets'
  | 'add_proposal'
  | 'update_proposal'
  | 'remove_proposal'
  | 'pre_shared_key_proposal'
  | 're_init_proposal'
  | 'external_init_proposal'
  | 'group_context_extensions_proposal'
  | 'commit'
  | 'public_message_application'
  | 'public_message_proposal'
  | 'public_message_commit'
  | 'private_message',
  string
>;

function messages(vector: Messages): void {
  const again = <T>(
    decode: (b: Uint8Array, offset: number) => [T, number] | undefined,
    encodeAgain: (t: T) => Uint8Array,
    value: string,
  ): void => expect(hex(encodeAgain(whole(decode, value)))).toBe(value);
  const { mls_welcome, mls_group_info, mls_key_package, private_message } = vector;
  const { public_message_application, public_message_proposal, public_message_commit } = vector;
  for (const value of [
    mls_welcome,
    mls_group_info,
    mls_key_package,
    private_message,
    public_message_application,
    public_message_proposal,
    public_message_commit,
  ]) {
    again(decodeMlsMessage, encodeMlsMessage, value);
  }
  again(decodeRatchetTree, encodeRatchetTree, vector.ratchet_tree);
  again(decodeGroupSecrets, encodeGroupSecrets, vector.group_secrets);
  again(decodeCommit, encodeCommit, vector.commit);
  again(proposals.decodeAdd, proposals.encodeAdd, vector.add_proposal);
  again(proposals.decodeUpdate, proposals.encodeUpdate, vector.update_proposal);
  again(proposals.decodeRemove, proposals.encodeRemove, vector.remove_proposal);
  again(proposals.decodePSK, proposals.encodePSK, vector.pre_shared_key_proposal);
  again(proposals.decodeReinit, proposals.encodeReinit, vector.re_init_proposal);
  again(proposals.decodeExternalInit, proposals.encodeExternalInit, vector.external_init_proposal);
  again(proposals.decodeGroupContextExtensions, proposals.encodeGroupContextExtensions, vector.group_context_extensions_proposal);
}

describe('the MLS working group: encodings', () => {
  onVectors<Messages>('mls/messages.json', 'every structure decodes and encodes to the same bytes', messages);
  onVectors<{ vlbytes_header: string; length: number }>(
    'mls/deserialization.json',
    'lengths of vectors',
    ({ vlbytes_header, length }) => {
      expect(determineLength(bytes(vlbytes_header)).length).toBe(length);
    },
  );
});
