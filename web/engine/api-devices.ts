/** One's own devices and what opens one's vault, as screens and the SDK see them: a part of api.ts. */
import type { DeviceId, UnlockerId } from '#protocol/ids.ts';
import type { RecoveryCodes } from './api.ts';

/** One of one's own devices. */
export interface DeviceView {
  readonly deviceId: DeviceId;
  readonly label: string;
  readonly createdAt: number;
  /** To the day. */
  readonly usedAt: number;
  /** The one that shows this. */
  readonly here: boolean;
}

/** A new device being let in by an old one, on either of them. */
export interface ApprovalView {
  readonly role: 'new' | 'old';
  /** Eight characters of Crockford base32, typed or scanned on the other device. */
  readonly code: string;
  readonly expiresAt: number;
  /** Six numbers of 0 to 63, which both devices must show alike; null until both are there. */
  readonly check: readonly number[] | null;
  /** This side's person said that they are alike. */
  readonly confirmed: boolean;
  /** `different`: the person, or this device, saw that something stands in between. */
  readonly ended: 'done' | 'refused' | 'different' | 'expired' | null;
}

/** What opens this person's vault, for one who has it open. */
export interface VaultView {
  readonly unlockers: readonly { readonly unlockerId: UnlockerId; readonly kind: 'passkey' | 'recovery-code'; readonly createdAt: number }[];
  /** Its key was changed on another device and not handed to this one: `reopenVault` asks the person once. */
  readonly closed: boolean;
  /** A device was removed and the key is still the one that it knew: an unlocker cannot follow, and is to be replaced. */
  readonly rekeyDue: boolean;
}

/** One's own devices. */
export interface DeviceApi {
  renameDevice(deviceId: DeviceId, label: string): Promise<void>;
  /** For good: its sessions end at once, its leaves go from every conversation, the vault gets another key. */
  removeDevice(deviceId: DeviceId): Promise<void>;
  /** A recovery code to be written down; nothing is changed before `keepRecoveryCode`. */
  prepareRecoveryCode(): Promise<string>;
  /** The prepared code opens the vault from now on, and those that it replaces open it no more. */
  keepRecoveryCode(replaces: readonly UnlockerId[]): Promise<void>;
  /** A passkey of one's own that has PRF opens the vault too. `passkey.unsupported`, `passkey.cancelled`. */
  addPasskeyUnlocker(): Promise<void>;
  /** `vault.unlockers_missing` when fewer than two would be left. */
  removeUnlocker(unlockerId: UnlockerId): Promise<void>;
  /** On a new device (`vault-locked`): asks to be let in by an old one; its code is in the snapshot. `approval.too_many`. */
  askApproval(): Promise<void>;
  /** On an old one: takes up what the new one shows. `approval.unknown`. */
  answerApproval(code: string): Promise<void>;
  /** Whether both devices show the same check; the new one is in once both sides said yes. */
  confirmApproval(same: boolean): Promise<void>;
  /** Ends the try, or puts away one that is over. */
  closeApproval(): Promise<void>;
  /**
   * For a person who lost every device and unlocker (`vault-locked`): another identity and vault, as prepareAccount does.
   * Nothing changes before finishAnew.
   */
  prepareAnew(): Promise<RecoveryCodes>;
  /** Colleagues are told that the identity changed, all conversations are left, and the history stays closed. `step_up.required`. */
  finishAnew(): Promise<void>;
  /** Opens the vault again after its key was changed elsewhere. `recovery_code.malformed`, `recovery_code.wrong`. */
  reopenVault(code: string): Promise<void>;
}
