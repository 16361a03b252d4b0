// Where the parser is in the expression, and the flags that hold there.

export const enum Flag {
  /** (?i) */
  FOLD = 1,
  /** (?m) */
  MULTI_LINE = 2,
  /** (?s) */
  DOT_NEWLINE = 4,
}


@unmanaged
class Cursor {
  begin: usize;
  at: usize;
  end: usize;
  /** Bits of Flag. */
  flags: u32;
}

export const cursor: Cursor = changetype<Cursor>(memory.data(16, 4));

export function startCursor(begin: usize, length: u32): void {
  cursor.begin = begin;
  cursor.at = begin;
  cursor.end = begin + length;
  cursor.flags = 0;
}

/** In bytes from the beginning, as refusals say it. */
export function here(): u32 {
  return <u32>(cursor.at - cursor.begin);
}

/** Whether `byte` stands `ahead` bytes from here. */
export function isNext(byte: u32, ahead: usize = 0): bool {
  const at = cursor.at + ahead;
  return at < cursor.end && <u32>load<u8>(at) === byte;
}

// @ts-ignore: decorator
@inline
export function hasFlag(flag: u32): bool {
  return (cursor.flags & flag) !== 0;
}

/** Letters, digits and `_` of ASCII. */
export function isWordByte(byte: u32): bool {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;
}
