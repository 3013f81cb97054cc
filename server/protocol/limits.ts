/** Every bound of the protocol, unit last. Both sides read them here; `server.info` repeats those that clients show. */
export const protocolVersion = 1;

export const frameBytesMax = 4 * 1024 * 1024;
export const bodyBytesMax = frameBytesMax;
/** A body that anybody may send, without a session; the largest that makes an account fits. */
export const guestBodyBytesMax = 1024 * 1024;
export const requestsInFlightMax = 64;
/** Inputs of requests in flight on one socket, together, and on all sockets of a person. */
export const inFlightBytesMax = 2 * frameBytesMax;
export const personInFlightBytesMax = 16 * frameBytesMax;
export const socketsPerSessionMax = 32;
export const socketsPerPersonMax = 1_024;
export const nestingMax = 16;

/** Above this many unread bytes a socket is sent nothing more; a single frame may go beyond it. */
export const backpressureBytesMax = 1024 * 1024;
/** Commands whose answers can be pages of megabytes: so many run at once on one socket. */
export const pagesRunningMax = 4;
/** Answers and hints that wait for a slow reader; beyond it the socket is closed and the client catches up anew. */
export const heldBytesMax = (pagesRunningMax + 1) * frameBytesMax;
/**
 * What all sockets together, and those of one person, leave unread in the server's memory. Looked at every second: beyond
 * it the sockets that leave the most are cut off, until half of it is left. Their clients catch up from their cursors.
 */
export const unreadBytesMax = 256 * 1024 * 1024;
export const personUnreadBytesMax = 128 * 1024 * 1024;
export const unreadLookEveryMs = 1_000;
/** A body of an upload that brings less than this in this time is cut off; what arrived is kept. */
export const uploadStallMs = 30_000;
export const uploadStallBytesMin = 4 * 1024;

export const handleLengthMax = 32;
export const displayNameLengthMax = 64;
export const deviceLabelLengthMax = 64;
export const inviteLabelLengthMax = 64;
export const passwordLengthMin = 15;
export const passwordLengthMinSecondStep = 8;
export const passwordLengthMax = 256;
export const tokenLengthMax = 128;

/** Sealed body of one message; the engine splits nothing: a longer text is refused before sealing. */
export const messageBytesMax = 64 * 1024;
export const signalBytesMax = 4 * 1024;
export const commitBytesMax = 1024 * 1024;
export const welcomeBytesMax = 1024 * 1024;
export const groupInfoBytesMax = 1024 * 1024;
export const keyPackageBytesMax = 8 * 1024;
export const certificateBytesMax = 512;
export const followMessagesMax = 4;

export const membersMax = 500;
/** Stays of a person in one conversation, and of all its people, that are remembered after they are over; the oldest go first. */
export const pastStaysOfOneMax = 32;
export const pastStaysMax = 2_000;
export const devicesPerUserMax = 10;
/** One device letting another in: how long, how many at once for a person, and each part. */
export const approvalLifetimeMs = 5 * 60_000;
export const approvalsPerPersonMax = 3;
export const approvalPartBytesMax = 256;
/** Of one person; the oldest go first. Ids of removed devices are never registered again, with or without them. */
export const revocationsPerUserMax = 200;
/** A device that nobody used for so long loses its leaves ([D6]). */
export const deviceIdleMs = 30 * 24 * 3_600_000;
export const conversationsPerUserMax = 2_000;

export const keyPackagesPerPublishMax = 60;
export const keyPackagesTarget = 50;
export const keyPackagesRefillBelow = 20;
/** So many people with every device that they may have: the packages of one answer fit a frame. */
export const claimUsersMax = 40;

export const logPageEntriesMax = 200;
export const logPageBytesMax = 1024 * 1024;
export const tailCursorsMax = 100;
export const listPageMax = 200;
export const mailboxPageMax = 20;

export const vaultBytesMax = 4 * 1024;
export const unlockersMin = 2;
export const unlockersMax = 16;
export const archiveItemBytesMax = 256 * 1024;
export const archiveItemsMax = 50;
export const vaultItemBytesMax = 256 * 1024;

/** A send may lag this far behind the head: the server must find an earlier copy of the same id in that span. */
export const seenLagMax = 10_000;

export const inviteLifetimeMsDefault = 7 * 24 * 3_600_000;
export const inviteLifetimeMsMax = 30 * 24 * 3_600_000;
export const invitesOpenMax = 200;
export const ceremonyLifetimeMs = 5 * 60_000;
/** A password was right and the second step is waited for; so many wrong codes end it. */
export const secondStepTriesMax = 5;
/** Codes typed to confirm a new authenticator app. */
export const totpConfirmTriesMax = 10;
/** A proof of who it is counts so long for what asks for a fresh one. */
export const stepUpFreshMs = 10 * 60_000;
export const passwordResetLifetimeMs = 24 * 3_600_000;
export const healthPageMax = 50;
export const passkeysPerUserMax = 20;
export const passkeyNameLengthMax = 64;
export const recoveryCodesCount = 10;
/** Groups with rules of their own for signing in, and people in one of them. */
export const policyGroupsMax = 32;
export const policyGroupMembersMax = 2_000;
export const policyGroupNameLengthMax = 64;
export const passwordHistoryMax = 10;
export const sessionLifetimeMs = 30 * 24 * 3_600_000;
export const clientPingEveryMs = 25_000;
export const epochMessagesMax = 1_000;
export const epochAgeMsMax = 24 * 3_600_000;

export const filesPerPersonMax = 100_000;
export const uploadsOpenMax = 64;
/** From its creation an upload may take so long, pauses included. */
export const uploadLifetimeMs = 3 * 24 * 3_600_000;
/** Uploads, and downloads, that one person runs at the same time. */
export const transfersPerPersonMax = 16;

/** How long a request to erase an account waits for its confirmation. */
export const erasureConfirmMs = 15 * 60_000;
export const retentionDaysMax = 36_500;
/** A hold that nobody else confirmed lapses. */
export const holdConfirmMs = 3 * 24 * 3_600_000;
export const holdLifetimeMsMax = 2 * 366 * 24 * 3_600_000;
export const holdReasonLengthMax = 280;
export const holdsOpenMax = 200;
export const policiesMax = 5_000;
export const receiptsPageMax = 50;
/** A whole roster is archived at epochs that this divides, differences between: a purge of archive items keeps to it. */
export const archiveBaseEvery = 16;
export const auditFactsMax = 32;
export const auditReasonLengthMax = 512;
/** A stored entry with everything in it. */
export const auditLeafBytesMax = 64 * 1024;
export const auditPageMax = 200;
/** So many entries a filtered call looks at before it answers with what it found. */
export const auditScanMax = 2_000;
export const auditExportPageMax = 1_000;
/** Entries about failed sign-ins: beyond it they are counted in the next one. */
export const auditFailuresBurst = 100;
export const auditFailuresRefillMs = 2_000;

/** Leaves of the key directory in one answer, 66 bytes each. */
export const directoryLeavesPageMax = 2_000;
export const directoryProofsMax = 64;

/** Tokens of a full bucket, and the time in which one comes back. */
export interface Allowance {
  readonly burst: number;
  readonly refillMs: number;
}
/**
 * What one person may ask for, on all devices together ([Q1]): kinds of command (server/domain/person-limits.ts). Far
 * above what people and their clients do, bots included; `sends` is LANYING_SENDS_PERSON_MAX.
 */
export const personAllowances = {
  sends: { burst: 10_000, refillMs: 1 },
  /** Each goes out to everybody who is live. */
  signals: { burst: 200, refillMs: 50 },
  /** Commits of up to 1 MiB. */
  groups: { burst: 1_000, refillMs: 50 },
  /** Pages of up to 1 MiB: 10,000 entries a second in the long run. */
  reads: { burst: 3_000, refillMs: 20 },
  directory: { burst: 600, refillMs: 50 },
  /** Persons whose packages are used up; a group of 500 at once. */
  claims: { burst: 2_000, refillMs: 500 },
  devices: { burst: 200, refillMs: 1_000 },
  vault: { burst: 1_000, refillMs: 100 },
  invites: { burst: 300, refillMs: 2_000 },
  reports: { burst: 300, refillMs: 200 },
  purges: { burst: 60, refillMs: 5_000 },
  uploads: { burst: 300, refillMs: 500 },
  /** Appends, looks, removals and downloads. */
  transfers: { burst: 3_000, refillMs: 20 },
  other: { burst: 3_000, refillMs: 10 },
} as const satisfies Readonly<Record<string, Allowance>>;
export type PersonAllowances = Readonly<Record<keyof typeof personAllowances, Allowance>>;
/** A look at so many people costs as much as one call. */
export const personsPerCostMax = 25;
/** Buckets of one limit that are kept; the one unused for longest goes first, and begins full again. */
export const bucketsMax = 50_000;
/** A client waits by itself for a limit that gives way within this time; a longer wait it tells. */
export const limitedWaitMsMax = 10_000;
