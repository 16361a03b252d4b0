// The compiled form of a declaration: what the emitter writes and the decoder interprets.
//
// A table is an array of u32 words. A value is declared by a node, named by the index of its first word:
//
//   OBJECT     kind | record size | required mask | at fields, at defaults, at groups (word indices)
//     fields:   count, then per field: name's offset in the texts, name's length, slot's offset, node
//     defaults: count, then per default: slot's offset, width in bytes (1, 4, 8; 2: a text), two words
//     groups:   count, then per group: rule (EXACTLY_ONE, AT_MOST_ONE, AT_LEAST_ONE), mask of fields
//   LIST       kind | element's node | stride | least | most | offset in an element of what is unique, or NONE
//   MAP        kind | value's node | stride | most | format of the keys
//   STRING     kind | least | most | format
//   INTEGER    kind | width (4 or 8) | least low, high | most low, high
//   NUMBER     kind | least low, high | most low, high (f64)
//   DURATION   kind | least low, high | most low, high (milliseconds)
//   ENUM       kind | count, then per value: offset in the texts, length
//   REFUSED    kind | reason's offset in the texts, length
//   BOOLEAN, PERCENT, TIMESTAMP, ANY   kind
//
// A record begins with a u32 whose bit i says that its i-th field was given. Slots hold:
//   object: address u32 (0: absent) | list, map: address u32, count u32, and 4 bytes for an index made later
//   string: address u32, length u32, and for format REGEX 4 bytes for the compiled expression
//   integer i32 or i64 | number f64 | boolean, enum u8 | duration i64 ns | percent u32 | timestamp i64 ms
// Elements of a list are laid out as slots, except objects, which lie there whole. Entries of a map: the key's
// address and length, then the value at 8.

export const OBJECT: u32 = 1;
export const LIST: u32 = 2;
export const MAP: u32 = 3;
export const STRING: u32 = 4;
export const INTEGER: u32 = 5;
export const NUMBER: u32 = 6;
export const BOOLEAN: u32 = 7;
export const DURATION: u32 = 8;
export const PERCENT: u32 = 9;
export const TIMESTAMP: u32 = 10;
export const ENUM: u32 = 11;
export const ANY: u32 = 12;
export const REFUSED: u32 = 13;

export const EXACTLY_ONE: u32 = 0;
export const AT_MOST_ONE: u32 = 1;
export const AT_LEAST_ONE: u32 = 2;

export const NONE: u32 = 0xffffffff;

/** Forms of texts; keep in step with schema/emit/assemblyscript.ts. */
export const FREE: u32 = 0;
export const HEADER_NAME: u32 = 1;
export const HEADER_VALUE: u32 = 2;
export const TOKEN: u32 = 3;
export const NAME: u32 = 4;
export const HOST: u32 = 5;
export const REGEX: u32 = 6;
export const CIDR: u32 = 7;
export const PATH: u32 = 8;

/** The value of a map's entry, after the key's address and length. */
export const MAP_VALUE: u32 = 8;

/** The i-th word from a node's address. */
// @ts-ignore: decorator
@inline
export function word(node: usize, index: u32): u32 {
  return load<u32>(node + (index << 2));
}

/** Two words as one number. */
// @ts-ignore: decorator
@inline
export function words(node: usize, index: u32): i64 {
  return load<i64>(node + (index << 2));
}
