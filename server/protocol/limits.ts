/** Every bound of the protocol, unit last. Both sides read them here; `server.info` repeats those that clients show. */
export const protocolVersion = 1;

export const frameBytesMax = 4 * 1024 * 1024;
export const bodyBytesMax = frameBytesMax;
/** A body that anybody may send, without a session; the largest that makes an account fits. */
export const guestBodyBytesMax = 1024 * 1024;
export const requestsInFlightMax = 64;
export const nestingMax = 16;

export const handleLengthMax = 32;
export const displayNameLengthMax = 64;
export const deviceLabelLengthMax = 64;
export const inviteLabelLengthMax = 64;
export const passwordLengthMin = 15;
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
