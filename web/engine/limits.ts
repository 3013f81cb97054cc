/** The bounds of the protocol that a form shows before the server refuses. */
export { withoutUnseen } from '#protocol/visible.ts';
export { displayNameLengthMax, handleLengthMax, inviteLabelLengthMax, passwordLengthMax } from '#protocol/limits.ts';
