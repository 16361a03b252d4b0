// From bytes to text, and from offsets in a text to lines and columns.

import { isUtf8 } from "node:buffer";

/** Line and column, counted from 1; columns in UTF-16 units, as editors count. */
export interface Place {
  line: number;
  column: number;
}

export type Decoded = { text: string } | (Place & { message: string });

/** The text of a file, or the first thing in it that YAML does not allow in any text. */
export function decode(bytes: Uint8Array): Decoded {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return { line: 1, column: 1, message: "the file is UTF-16; save it as UTF-8" };
  if (!isUtf8(bytes)) {
    const at = firstInvalidByte(bytes);
    const before = new TextDecoder().decode(bytes.subarray(0, at));
    const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, "0");
    const message = `byte ${at} of the file (0x${byte}) is not valid UTF-8; save the file as UTF-8`;
    return { ...new Lines(before).at(before.length), message };
  }
  // TextDecoder removes a byte order mark, which is of no use in UTF-8.
  const text = new TextDecoder().decode(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are looked for.
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/.exec(text);
  if (control === null) return { text };
  const code = text.charCodeAt(control.index).toString(16).toUpperCase().padStart(4, "0");
  const message = `the control character U+${code} is not allowed in YAML; write it as an escape in double quotes`;
  return { ...new Lines(text).at(control.index), message };
}

/** Grows a valid prefix by halves: a cut inside a character is not taken for a fault. */
function firstInvalidByte(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (validPrefix(bytes, middle)) low = middle;
    else high = middle - 1;
  }
  // `low` may reach into the bad sequence's valid beginning: step back to its first byte.
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low--;
  return low;
}

/** Whether the first `length` bytes are valid but for a character cut off at their end. */
function validPrefix(bytes: Uint8Array, length: number): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Finds lines by offset. */
export class Lines {
  private readonly starts: number[] = [0];

  constructor(text: string) {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.starts.push(i + 1);
  }

  at(offset: number): Place {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }

  /** Offset at which a line, counted from 1, begins. */
  start(line: number): number {
    return this.starts[line - 1] ?? 0;
  }
}

/** One part of a file that parses by itself. */
export interface Piece {
  text: string;
  /** The line of the file on which it begins, counted from 1. */
  line: number;
}

/**
 * Cuts a file at its document marks. `---` at the start of a line ends every scalar in YAML, so no document
 * is cut in two. With a directive (`%YAML`) in the file it stays whole, as a directive precedes its mark.
 */
export function cut(text: string): Piece[] {
  if (/^%/m.test(text)) return [{ text, line: 1 }];
  const pieces: Piece[] = [];
  let line = 1;
  let start = 0;
  for (const mark of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) {
    const before = text.slice(start, mark.index);
    if (start < mark.index) pieces.push({ text: before, line });
    line += before.split("\n").length - 1;
    start = mark.index;
  }
  pieces.push({ text: text.slice(start), line });
  return pieces;
}
