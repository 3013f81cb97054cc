/** The bounds of the protocol that a form shows before the server refuses. */
export { displayNameLengthMax, handleLengthMax, passwordLengthMax } from '#protocol/limits.ts';
