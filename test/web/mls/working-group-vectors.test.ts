import { decodeAuthenticatedContent } from 'ts-mls/authenticatedContent.js';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { encodeCommit } from 'ts-mls/commit.js';
import { refhash } from 'ts-mls/crypto/hash.js';
import { decryptWithLabel, encryptWithLabel } from 'ts-mls/crypto/hpke.js';
import { deriveSecret, deriveTreeSecret, expandWithLabel } from 'ts-mls/crypto/kdf.js';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import { verifyConfirmationTag } from 'ts-mls/framedContent.js';
import { groupContextEncoder } from 'ts-mls/groupContext.js';
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from 'ts-mls/groupInfo.js';
import { defaultKeyRetentionConfig } from 'ts-mls/keyRetentionConfig.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { initializeEpoch, mlsExporter } from 'ts-mls/keySchedule.js';
import { decodeMlsMessage, type MLSMessage } from 'ts-mls/message.js';
import { unprotectPrivateMessage } from 'ts-mls/messageProtection.js';
import { unprotectPublicMessage } from 'ts-mls/messageProtectionPublic.js';
import { computePskSecret } from 'ts-mls/presharedkey.js';
import { encodeProposal } from 'ts-mls/proposal.js';
import { type RatchetTree } from 'ts-mls/ratchetTree.js';
import { createSecretTree, ratchetToGeneration } from 'ts-mls/secretTree.js';
import { decodeReuseGuard, expandSenderDataKey, expandSenderDataNonce } from 'ts-mls/sender.js';
import { createConfirmedHash, createInterimHash } from 'ts-mls/transcriptHash.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import { describe, expect } from 'vitest';

import { hex } from './people.ts';
import { bytes, context, onVectors, runnable, suiteOfVector, whole } from './vectors.ts';

type Hexes<K extends string> = Record<K, string>;
interface Suited {
  cipher_suite: number;
}

type Labelled<K extends string> = Hexes<K> & { label: string };

interface Basics extends Suited {
  ref_hash: Labelled<'value' | 'out'>;
  expand_with_label: Labelled<'secret' | 'context' | 'out'> & { length: number };
  derive_secret: Labelled<'secret' | 'out'>;
  derive_tree_secret: Labelled<'secret' | 'out'> & { generation: number; length: number };
  sign_with_label: Labelled<'priv' | 'pub' | 'content' | 'signature'>;
  encrypt_with_label: Labelled<'priv' | 'pub' | 'context' | 'plaintext' | 'kem_output' | 'ciphertext'>;
}

async function cryptoBasics(vector: Basics): Promise<void> {
  const suite = await suiteOfVector(vector);
  const {
    ref_hash: ref,
    expand_with_label: ex,
    derive_secret: ds,
    derive_tree_secret: dt,
    sign_with_label: sl,
    encrypt_with_label: el,
  } = vector;
  expect(hex(await refhash(ref.label, bytes(ref.value), suite.hash))).toBe(ref.out);
  expect(hex(await expandWithLabel(bytes(ex.secret), ex.label, bytes(ex.context), ex.length, suite.kdf))).toBe(ex.out);
  expect(hex(await deriveSecret(bytes(ds.secret), ds.label, suite.kdf))).toBe(ds.out);
  expect(hex(await deriveTreeSecret(bytes(dt.secret), dt.label, dt.generation, dt.length, suite.kdf))).toBe(dt.out);
  expect(await verifyWithLabel(bytes(sl.pub), sl.label, bytes(sl.content), bytes(sl.signature), suite.signature)).toBe(true);
  const signed = await signWithLabel(bytes(sl.priv), sl.label, bytes(sl.content), suite.signature);
  expect(await verifyWithLabel(bytes(sl.pub), sl.label, bytes(sl.content), signed, suite.signature)).toBe(true);
  const key = await suite.hpke.importPrivateKey(bytes(el.priv));
  expect(
    hex(await decryptWithLabel(key, el.label, bytes(el.context), bytes(el.kem_output), bytes(el.ciphertext), suite.hpke)),
  ).toBe(el.plaintext);
  const sealed = await encryptWithLabel(
    await suite.hpke.importPublicKey(bytes(el.pub)),
    el.label,
    bytes(el.context),
    bytes(el.plaintext),
    suite.hpke,
  );
  expect(hex(await decryptWithLabel(key, el.label, bytes(el.context), sealed.enc, sealed.ct, suite.hpke))).toBe(el.plaintext);
}

interface Schedule extends Suited {
  group_id: string;
  initial_init_secret: string;
  epochs: (Hexes<
    | 'commit_secret'
    | 'psk_secret'
    | 'tree_hash'
    | 'confirmed_transcript_hash'
    | 'group_context'
    | 'joiner_secret'
    | 'welcome_secret'
    | 'init_secret'
    | 'sender_data_secret'
    | 'encryption_secret'
    | 'exporter_secret'
    | 'epoch_authenticator'
    | 'external_secret'
    | 'confirmation_key'
    | 'membership_key'
    | 'resumption_psk'
    | 'external_pub'
  > & { exporter: { label: string; context: string; length: number; secret: string } })[];
}

async function keySchedule(vector: Schedule): Promise<void> {
  const suite = await suiteOfVector(vector);
  let init = bytes(vector.initial_init_secret);
  for (const [epoch, want] of vector.epochs.entries()) {
    const gc = context(suite, { ...want, group_id: vector.group_id, epoch });
    expect(hex(encode(groupContextEncoder)(gc))).toBe(want.group_context);
    const got = await initializeEpoch(init, bytes(want.commit_secret), gc, bytes(want.psk_secret), suite.kdf);
    const { keySchedule: ks } = got;
    const external = await suite.hpke.deriveKeyPair(ks.externalSecret);
    expect({
      joiner: hex(got.joinerSecret),
      welcome: hex(got.welcomeSecret),
      encryption: hex(got.encryptionSecret),
      init: hex(ks.initSecret),
      senderData: hex(ks.senderDataSecret),
      exporter: hex(ks.exporterSecret),
      authenticator: hex(ks.epochAuthenticator),
      external: hex(ks.externalSecret),
      confirmation: hex(ks.confirmationKey),
      membership: hex(ks.membershipKey),
      resumption: hex(ks.resumptionPsk),
      externalPub: hex(await suite.hpke.exportPublicKey(external.publicKey)),
    }).toEqual({
      joiner: want.joiner_secret,
      welcome: want.welcome_secret,
      encryption: want.encryption_secret,
      init: want.init_secret,
      senderData: want.sender_data_secret,
      exporter: want.exporter_secret,
      authenticator: want.epoch_authenticator,
      external: want.external_secret,
      confirmation: want.confirmation_key,
      membership: want.membership_key,
      resumption: want.resumption_psk,
      externalPub: want.external_pub,
    });
    const { label, context: about, length, secret } = want.exporter;
    expect(hex(await mlsExporter(ks.exporterSecret, label, bytes(about), length, suite))).toBe(secret);
    init = ks.initSecret;
  }
}

type Transcript = Suited &
  Hexes<
    | 'confirmation_key'
    | 'authenticated_content'
    | 'interim_transcript_hash_before'
    | 'confirmed_transcript_hash_after'
    | 'interim_transcript_hash_after'
  >;

async function transcript(vector: Transcript): Promise<void> {
  const suite = await suiteOfVector(vector);
  const { content, auth, wireformat } = whole(decodeAuthenticatedContent, vector.authenticated_content);
  if (content.contentType !== 'commit' || auth.contentType !== 'commit') throw new Error('not a commit');
  const confirmed = await createConfirmedHash(
    bytes(vector.interim_transcript_hash_before),
    { wireformat, content, signature: auth.signature },
    suite.hash,
  );
  expect(hex(confirmed)).toBe(vector.confirmed_transcript_hash_after);
  expect(await verifyConfirmationTag(bytes(vector.confirmation_key), auth.confirmationTag, confirmed, suite.hash)).toBe(true);
  expect(hex(await createInterimHash(confirmed, auth.confirmationTag, suite.hash))).toBe(vector.interim_transcript_hash_after);
}

function mlsMessage<W extends MLSMessage['wireformat']>(wireformat: W, hexBytes: string): Extract<MLSMessage, { wireformat: W }> {
  const message = whole(decodeMlsMessage, hexBytes);
  const is = (m: MLSMessage): m is Extract<MLSMessage, { wireformat: W }> => m.wireformat === wireformat;
  if (!is(message)) throw new Error(`${message.wireformat}, not ${wireformat}`);
  return message;
}

async function welcome(vector: Suited & Hexes<'init_priv' | 'key_package' | 'signer_pub' | 'welcome'>): Promise<void> {
  const suite = await suiteOfVector(vector);
  const { welcome: letter } = mlsMessage('mls_welcome', vector.welcome);
  const { keyPackage } = mlsMessage('mls_key_package', vector.key_package);
  const key = await suite.hpke.importPrivateKey(bytes(vector.init_priv));
  const secrets = await decryptGroupSecrets(key, await makeKeyPackageRef(keyPackage, suite.hash), letter, suite.hpke);
  if (secrets === undefined) throw new Error('no group secrets');
  const none = new Uint8Array(suite.kdf.size);
  const info = await decryptGroupInfo(letter, secrets.joinerSecret, none, suite);
  if (info === undefined) throw new Error('no group info');
  expect(await verifyGroupInfoSignature(info, bytes(vector.signer_pub), suite.signature)).toBe(true);
  expect(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, none, suite)).toBe(true);
}

type Protection = Suited & { epoch: number } & Hexes<
    | 'group_id'
    | 'tree_hash'
    | 'confirmed_transcript_hash'
    | 'signature_priv'
    | 'signature_pub'
    | 'encryption_secret'
    | 'sender_data_secret'
    | 'membership_key'
    | 'proposal'
    | 'proposal_priv'
    | 'proposal_pub'
    | 'commit'
    | 'commit_priv'
    | 'commit_pub'
    | 'application'
    | 'application_priv'
  >;

async function messageProtection(vector: Protection): Promise<void> {
  const suite = await suiteOfVector(vector);
  const gc = context(suite, vector);
  const tree: RatchetTree = []; // the signer's key is given, so no tree is asked
  const signer = bytes(vector.signature_pub);
  const unprotect = async (hexBytes: string) => {
    const secretTree = await createSecretTree(2, bytes(vector.encryption_secret), suite.kdf);
    const { privateMessage } = mlsMessage('mls_private_message', hexBytes);
    return (
      await unprotectPrivateMessage(
        bytes(vector.sender_data_secret),
        privateMessage,
        secretTree,
        tree,
        gc,
        defaultKeyRetentionConfig,
        suite,
        signer,
      )
    ).content.content;
  };
  const open = async (hexBytes: string) =>
    (
      await unprotectPublicMessage(
        bytes(vector.membership_key),
        gc,
        tree,
        mlsMessage('mls_public_message', hexBytes).publicMessage,
        suite,
        signer,
      )
    ).content;
  for (const content of [await unprotect(vector.proposal_priv), await open(vector.proposal_pub)]) {
    expect(content.contentType === 'proposal' && hex(encodeProposal(content.proposal))).toBe(vector.proposal);
  }
  for (const content of [await unprotect(vector.commit_priv), await open(vector.commit_pub)]) {
    expect(content.contentType === 'commit' && hex(encodeCommit(content.commit))).toBe(vector.commit);
  }
  const content = await unprotect(vector.application_priv);
  expect(content.contentType === 'application' && hex(content.applicationData)).toBe(vector.application);
}

/** No reuse guard: the vectors give the nonce before it is applied. */
const noGuard = decodeReuseGuard(new Uint8Array(4), 0)?.[0];

async function ratchets(
  vector: Suited & {
    encryption_secret: string;
    sender_data: Hexes<'sender_data_secret' | 'ciphertext' | 'key' | 'nonce'>;
    leaves: ({ generation: number } & Hexes<'application_key' | 'application_nonce' | 'handshake_key' | 'handshake_nonce'>)[][];
  },
): Promise<void> {
  if (noGuard === undefined) throw new Error('no guard');
  const suite = await suiteOfVector(vector);
  const { sender_data: sender } = vector;
  expect(hex(await expandSenderDataKey(suite, bytes(sender.sender_data_secret), bytes(sender.ciphertext)))).toBe(sender.key);
  expect(hex(await expandSenderDataNonce(suite, bytes(sender.sender_data_secret), bytes(sender.ciphertext)))).toBe(sender.nonce);
  const tree = await createSecretTree(vector.leaves.length, bytes(vector.encryption_secret), suite.kdf);
  for (const [leafIndex, generations] of vector.leaves.entries()) {
    for (const want of generations) {
      const at = { leafIndex, generation: want.generation, reuseGuard: noGuard };
      const application = await ratchetToGeneration(tree, at, 'application', defaultKeyRetentionConfig, suite);
      const handshake = await ratchetToGeneration(tree, at, 'commit', defaultKeyRetentionConfig, suite);
      expect([application.key, application.nonce, handshake.key, handshake.nonce].map(hex)).toEqual([
        want.application_key,
        want.application_nonce,
        want.handshake_key,
        want.handshake_nonce,
      ]);
    }
  }
}

async function pskSecret(vector: Suited & { psks: Hexes<'psk_id' | 'psk' | 'psk_nonce'>[]; psk_secret: string }): Promise<void> {
  const suite = await suiteOfVector(vector);
  const computed = await computePskSecret(
    vector.psks.map(({ psk_id, psk, psk_nonce }) => [
      { psktype: 'external', pskId: bytes(psk_id), pskNonce: bytes(psk_nonce) },
      bytes(psk),
    ]),
    suite,
  );
  expect(hex(computed)).toBe(vector.psk_secret);
}

describe('the MLS working group: vectors', () => {
  onVectors<Basics>('mls/crypto-basics.json', 'labels over the primitives', cryptoBasics, runnable);
  onVectors<Schedule>('mls/key-schedule.json', 'five epochs of secrets', keySchedule, runnable);
  onVectors<Transcript>('mls/transcript-hashes.json', 'confirmed and interim hash', transcript, runnable);
  onVectors('mls/welcome.json', 'opens and verifies', welcome, runnable);
  onVectors('mls/message-protection.json', 'public and private messages', messageProtection, runnable);
  onVectors('mls/secret-tree.json', 'keys and nonces of ratchets', ratchets, runnable);
  onVectors('mls/psk_secret.json', 'pre-shared keys', pskSecret, runnable);
});
