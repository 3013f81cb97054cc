/** The peer's address, as rate limits and the loopback check need it. Never logged. */

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Four bytes when the address is IPv4 or an IPv4-mapped IPv6 one (RFC 4291 §2.5.5.2); else null. */
function ipv4Of(address: Uint8Array): Uint8Array | null {
  if (address.length === 4) return address;
  const mapped = address.length === 16 && hex(address.subarray(0, 12)) === '00000000000000000000ffff';
  return mapped ? address.subarray(12) : null;
}

/** One key for one customer line: an IPv4 address, or the /64 of an IPv6 one. */
export function addressKey(address: Uint8Array): string {
  const ipv4 = ipv4Of(address);
  if (ipv4 !== null) return ipv4.join('.');
  return address.length === 16 ? `${hex(address.subarray(0, 8))}/64` : 'unknown';
}

export function isLoopback(address: Uint8Array): boolean {
  const ipv4 = ipv4Of(address);
  if (ipv4 !== null) return ipv4[0] === 127;
  return address.length === 16 && hex(address) === '00000000000000000000000000000001';
}
