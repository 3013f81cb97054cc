/** Ed25519 verification (RFC 8032 §5.1.7) by WebCrypto. */

/** False for a wrong signature and for bytes that are no key or no signature. */
export async function verifySignature(
  publicKey: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, data);
  } catch (cause) {
    // Some implementations refuse a public key that is not a point of the curve at import, others at verification.
    if (cause instanceof DOMException || cause instanceof Error) return false;
    throw cause;
  }
}
