/** CRC-32C (RFC 3720 appendix B.4, reflected polynomial 0x82f63b78), four bytes a step. */
const tables = ((): readonly Uint32Array[] => {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    first[byte] = value >>> 0;
  }
  const all = [first];
  for (let step = 1; step < 4; step += 1) {
    const before = all[step - 1] ?? first;
    all.push(Uint32Array.from(before, (value) => ((value >>> 8) ^ (first[value & 0xff] ?? 0)) >>> 0));
  }
  return all;
})();
const [one = new Uint32Array(256), two = one, three = one, four = one] = tables;

/** Of bytes[from, to). */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffff_ffff;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    crc ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    crc =
      (four[crc & 0xff] ?? 0) ^
      (three[(crc >>> 8) & 0xff] ?? 0) ^
      (two[(crc >>> 16) & 0xff] ?? 0) ^
      (one[crc >>> 24] ?? 0);
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ (one[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~crc >>> 0;
}
