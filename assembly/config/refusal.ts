// Why a configuration is refused: the path of the value at fault, its byte, and what is wrong with it. The first
// refusal counts. It is logged as one line: `sluice: refused: PATH: byte N: MESSAGE`.

import { writeAscii, writeDecimal } from "../bytes";
import { ERROR, proxy_log } from "../abi/hostcalls";

// One step of the path, 16 bytes:  0 kind u32 | 4 start u32 | 8 length or index u32 | 12 unused
const STEP_SIZE: usize = 16;
const MAX_DEPTH: u32 = 64;
const FIELD: u32 = 0;
const INDEX: u32 = 1;
const KEY: u32 = 2;

const MAX_LINE: usize = 4096;
/** Quoted texts are cut here. */
const MAX_QUOTED: u32 = 80;

const steps: usize = memory.data(1024, 4);
const line: usize = memory.data(4096, 4);

let depth: u32 = 0;
let written: usize = 0;
let refused: bool = false;

export function resetRefusal(): void {
  depth = 0;
  written = 0;
  refused = false;
}

export function isRefused(): bool {
  return refused;
}

export function enterField(start: usize, length: u32): void {
  push(FIELD, start, length);
}

export function enterIndex(index: u32): void {
  push(INDEX, 0, index);
}

export function enterKey(start: usize, length: u32): void {
  push(KEY, start, length);
}

// @ts-ignore: decorator
@inline
export function leave(): void {
  depth -= 1;
}

function push(kind: u32, start: usize, length: u32): void {
  if (depth < MAX_DEPTH) {
    const step = steps + <usize>depth * STEP_SIZE;
    store<u32>(step, kind);
    store<usize>(step, start, 4);
    store<u32>(step, length, 8);
  }
  depth += 1;
}

/** Refuses, for what stands at byte `byte`. The message follows through the functions below. */
export function refuse(byte: u32, message: string): bool {
  if (refused) return false;
  refused = true;
  written = line;
  sayText("sluice: refused: ");
  sayPath();
  sayText(": byte ");
  sayNumber(byte);
  sayText(": ");
  sayText(message);
  return false;
}

/** Continues the message, right after refuse. */
export function sayText(text: string): void {
  if (written + text.length <= line + MAX_LINE) written = writeAscii(written, text);
}

export function sayNumber(value: i64): void {
  if (written + 24 > line + MAX_LINE) return;
  if (value < 0) {
    sayText("-");
    value = -value;
  }
  written = writeDecimal(written, <u64>value);
}

/** Bytes in quotation marks, without control characters and cut to a readable length. */
export function sayQuoted(start: usize, length: u32): void {
  sayText('"');
  sayBytes(start, min(length, MAX_QUOTED));
  sayText(length > MAX_QUOTED ? '..."' : '"');
}

function sayBytes(start: usize, length: u32): void {
  if (written + length > line + MAX_LINE) return;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(start + i);
    store<u8>(written + i, byte < 32 ? 63 : byte);
  }
  written += length;
}

function sayPath(): void {
  if (depth === 0) sayText("(document)");
  for (let i: u32 = 0; i < min(depth, MAX_DEPTH); i++) {
    const step = steps + <usize>i * STEP_SIZE;
    const start = load<usize>(step, 4);
    const length = load<u32>(step, 8);
    const kind = load<u32>(step);
    if (kind === INDEX) {
      sayText("[");
      sayNumber(length);
      sayText("]");
    } else if (kind === KEY && !isPlain(start, length)) {
      sayText("[");
      sayQuoted(start, length);
      sayText("]");
    } else {
      if (i > 0) sayText(".");
      sayBytes(start, length);
    }
  }
}

/** Letters, digits, `_` and `-`, at least one. */
function isPlain(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(start + i);
    const letter = (byte | 32) - 97 < 26 || byte - 48 < 10 || byte === 45 || byte === 95;
    if (!letter) return false;
  }
  return length > 0;
}

/** Logs the refusal. */
export function logRefusal(): void {
  proxy_log(ERROR, line, written - line);
}

/** The refusal's line, for tests. */
export function refusalStart(): usize {
  return line;
}

export function refusalLength(): u32 {
  return <u32>(written - line);
}
