// What tests/regex.test.ts builds: the compiler and the matcher behind a few plain exports.

import { beginBlocks, freeBlocks, takeBlocks } from "../config/blocks";
import { Regex } from "./match";
import { beginRegexes, compileRegex, matchesRegex, regexError, regexErrorByte } from "./regex";

/** 128 KiB for texts that the test writes: patterns in the lower half, inputs in the upper. */
export const input: usize = memory.data(131_072);

let chain: usize = 0;

/** Frees what was compiled before. */
export function begin(): void {
  freeBlocks(chain);
  chain = 0;
  beginBlocks();
  beginRegexes();
}

/** Compiles the pattern at an offset in the input. */
export function compile(offset: u32, length: u32): usize {
  return compileRegex(input + offset, length);
}

/** Ends the configuration, so that begin can free it. */
export function end(): void {
  chain = takeBlocks();
}

export function matches(regex: usize, length: u32): bool {
  return matchesRegex(regex, input + 65_536, length);
}

export function states(regex: usize): u32 {
  return changetype<Regex>(regex).states;
}

export function size(regex: usize): u32 {
  return changetype<Regex>(regex).size;
}

/** Length of the refusal, whose bytes are put in the upper half of the input. */
export function refusal(): u32 {
  for (let i = 0; i < regexError.length; i++) store<u8>(input + 65_536 + i, <u8>regexError.charCodeAt(i));
  return regexError.length;
}

export function refusalByte(): u32 {
  return regexErrorByte;
}
