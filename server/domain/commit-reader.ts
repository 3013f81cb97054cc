/** What a commit says, checked against the directory of devices ([C3]–[C5]); who may do it is the roster's to decide. */
import { parseCertificate } from '#protocol/certificate.ts';
import { refuse, type Refusal, ok, type Result } from '#protocol/errors.ts';
import { bytesOfId, type ConversationId, type DeviceId, type UserId } from '#protocol/ids.ts';
import type { Device, NewCommit, Suite } from '#protocol/model.ts';
import type { DeviceStore } from '../ports/store.ts';
import { sameBytes } from './digests.ts';
import { type CommitMessage, isCommitSigned, isGroupInfoSigned, parseCommit, parseGroupInfo, parseWelcomeSuite } from './mls-framing.ts';
import type { KeyPackage, LeafNode } from './mls-key-package.ts';
import type { NewLeaf, RosterCommit } from './roster.ts';

export interface CommitCall {
  readonly conversationId: ConversationId;
  readonly suite: Suite;
  readonly by: { readonly userId: UserId; readonly deviceId: DeviceId };
  readonly commit: NewCommit;
  /** Of the epoch that the commit starts from: what it is signed for. */
  readonly groupInfo: Uint8Array;
}

const refused = (reason: string): Refusal => refuse('commit.refused', { reason });

/** Null when group info is of this group, suite and epoch. */
export function groupInfoFault(bytes: Uint8Array, conversationId: ConversationId, suite: Suite, epoch: number): 'group_info' | null {
  const head = parseGroupInfo(bytes);
  const fits = head !== null && head.suite === suite && head.epoch === epoch && sameBytes(head.groupId, bytesOfId(conversationId));
  return fits ? null : 'group_info';
}

/** Whether a leaf carries exactly this device's certificate and signs with its key. */
function isLeafOf(leaf: LeafNode, device: Device): boolean {
  const certificate = parseCertificate(leaf.identity);
  return certificate !== null && sameBytes(leaf.identity, device.certificate) && sameBytes(leaf.signatureKey, certificate.deviceKey);
}

function shapeFault({ conversationId, commit }: CommitCall, message: CommitMessage): string | null {
  if (!sameBytes(message.groupId, bytesOfId(conversationId))) return 'group';
  if (message.epoch !== commit.epoch) return 'epoch';
  const count = (kind: string): number => message.proposals.filter((proposal) => proposal.kind === kind).length;
  if (count('external_init') !== (message.sender.kind === 'new_member' ? 1 : 0)) return 'external';
  // A path may be left out only when there are adds and nothing else (RFC 9420 §12.4).
  const addsOnly = message.proposals.length > 0 && count('add') === message.proposals.length;
  return message.pathLeaf === null && !addsOnly ? 'path' : null;
}

function enclosedFault({ conversationId, suite, commit }: CommitCall, adds: number): string | null {
  if ((commit.welcome !== null) !== adds > 0) return 'welcome';
  if (commit.welcome !== null && parseWelcomeSuite(commit.welcome) !== suite) return 'welcome';
  return groupInfoFault(commit.groupInfo, conversationId, suite, commit.epoch + 1);
}

/** Whoever has a session but not the device's key could stop a conversation by a commit that no member can follow. */
function signatureFault({ commit, groupInfo }: CommitCall, message: CommitMessage, own: Device): string | null {
  const deviceKey = parseCertificate(own.certificate)?.deviceKey;
  const [before, behind] = [parseGroupInfo(groupInfo), parseGroupInfo(commit.groupInfo)];
  if (deviceKey === undefined || before === null || !isCommitSigned(message, before.context, deviceKey)) return 'signature';
  return behind !== null && isGroupInfoSigned(behind, deviceKey) ? null : 'group_info';
}

export class CommitReader {
  readonly #devices: DeviceStore;

  constructor(devices: DeviceStore) {
    this.#devices = devices;
  }

  /** Refuses commit.refused with a reason, person.unknown. */
  async read(call: CommitCall): Promise<Result<RosterCommit>> {
    const message = parseCommit(call.commit.commit);
    if (message === null) return refused('malformed');
    const keyPackages = message.proposals.flatMap((proposal) => (proposal.kind === 'add' ? [proposal.keyPackage] : []));
    const fault = shapeFault(call, message) ?? enclosedFault(call, keyPackages.length);
    if (fault !== null) return refused(fault);
    const own = await this.#devices.byId(call.by.deviceId);
    if (own === null || (message.pathLeaf !== null && !isLeafOf(message.pathLeaf, own))) return refused('path_leaf');
    const unsigned = signatureFault(call, message, own);
    if (unsigned !== null) return refused(unsigned);
    const adds = await this.#added(keyPackages, call.suite);
    if (!adds.ok) return adds;
    const removes = message.proposals.flatMap((proposal) => (proposal.kind === 'remove' ? [proposal.leafIndex] : []));
    return ok({ by: call.by, sender: message.sender, removes, adds: adds.value });
  }

  /** Whether a device signed group info itself: what the first commit, or a joining device, starts from. */
  async isSignedBy(deviceId: DeviceId, groupInfo: Uint8Array): Promise<boolean> {
    const own = await this.#devices.byId(deviceId);
    const deviceKey = own === null ? undefined : parseCertificate(own.certificate)?.deviceKey;
    const parsed = parseGroupInfo(groupInfo);
    return deviceKey !== undefined && parsed !== null && isGroupInfoSigned(parsed, deviceKey);
  }

  async #added(keyPackages: readonly KeyPackage[], suite: Suite): Promise<Result<readonly NewLeaf[]>> {
    const named = keyPackages.map((keyPackage) => parseCertificate(keyPackage.leaf.identity));
    const people = [...new Set(named.flatMap((certificate) => (certificate === null ? [] : [certificate.userId])))];
    const devices = new Map((await this.#devices.ofUsers(people)).map((device) => [device.deviceId, device]));
    const known = new Set([...devices.values()].map((device) => device.userId));
    const adds: NewLeaf[] = [];
    for (const [index, keyPackage] of keyPackages.entries()) {
      const certificate = named[index] ?? null;
      if (certificate === null || keyPackage.suite !== suite || keyPackage.leaf.source !== 'key_package') return refused('key_package');
      if (!known.has(certificate.userId)) return refuse('person.unknown');
      const device = devices.get(certificate.deviceId);
      if (device === undefined || !isLeafOf(keyPackage.leaf, device)) return refused('device');
      adds.push({ userId: device.userId, deviceId: device.deviceId });
    }
    return ok(adds);
  }
}
