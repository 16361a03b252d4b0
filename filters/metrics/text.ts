// Which texts can stand as a label's value: UTF-8 without control characters. One value that is not UTF-8 makes
// Prometheus refuse a whole scrape, and clients choose values.

/** Whether the bytes are well-formed UTF-8, with nothing below a space and no DEL. */
export function isLabelText(start: usize, length: u32): bool {
  const end = start + length;
  let at = start;
  while (at < end) {
    const byte = <u32>load<u8>(at);
    if (byte < 0x80) {
      if (byte < 32 || byte === 127) return false;
      at += 1;
      continue;
    }
    const size = sizeOf(byte);
    if (size === 0 || at + size > end) return false;
    for (let i: u32 = 1; i < size; i++) if ((load<u8>(at + i) & 0xc0) !== 0x80) return false;
    const second = <u32>load<u8>(at, 1);
    // Overlong forms, surrogates, and what lies above U+10FFFF.
    if (byte === 0xe0 && second < 0xa0) return false;
    if (byte === 0xed && second > 0x9f) return false;
    if (byte === 0xf0 && second < 0x90) return false;
    if (byte === 0xf4 && second > 0x8f) return false;
    at += size;
  }
  return true;
}

/** Bytes of the character that begins with this byte; 0: none does. */
function sizeOf(byte: u32): u32 {
  if (byte < 0xc2) return 0;
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 3;
  return byte < 0xf5 ? 4 : 0;
}
