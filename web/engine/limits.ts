/** The bounds of the protocol that a form shows before the server refuses. */
export { displayNameLengthMax, handleLengthMax, inviteLabelLengthMax, passwordLengthMax } from '#protocol/limits.ts';
