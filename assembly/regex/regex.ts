// Regular expressions: RE2's syntax, matched as a whole on bytes, compiled at configure time to tables.
//
// Matching takes one step per byte whatever the expression and the text (match.ts). Compiling is bounded in time
// and memory; an expression beyond the limits is refused. Within one configuration equal expressions share their
// tables.

import { sameBytes } from "../bytes";
import { allocate } from "../config/blocks";
import { stableHash } from "../hash";
import { buildAlphabet, columnCount, columnOf } from "./alphabet";
import { sets } from "./byteset";
import { buildDfa, dfaStart, releaseDfa, work } from "./dfa";
import { ACCEPTS_OFFSET, COLUMNS_OFFSET, Regex } from "./match";
import { blockCount, blockOf, minimize, releaseMinimize } from "./minimize";
import { buildNfa, nfa, nfaConditions } from "./nfa";
import { clearRefusal, refuse } from "./refusal";
import { accepts, dfaCount, table } from "./states";
import { parseSyntax } from "./syntax";
import { releaseTree } from "./tree";
import { Vector, staticVector } from "./vector";

export { matchesRegex } from "./match";
export { regexError, regexErrorByte } from "./refusal";

const MOST_STATES: u32 = 4096;
const MOST_SIZE: u32 = 512 * 1024;
const MOST_TOTAL_SIZE: u32 = 8 * 1024 * 1024;

/** Some five seconds. Envoy's main thread serves nothing else while it configures. */
const MOST_TOTAL_WORK: u64 = 500_000_000;

/** Of the configuration being built: tables in bytes, and steps of compiling. */
let totalSize: u32 = 0;
let totalWork: u64 = 0;

/** Compiled expressions of the configuration being built, by hash of their text: lists of Shared. */
const BUCKETS: u32 = 256;
const shared: usize = memory.data(1024, 4);


@unmanaged
class Shared {
  next: usize;
  pattern: usize;
  length: u32;
  regex: usize;
}

/** To be called when a configuration begins, after its blocks have begun. */
export function beginRegexes(): void {
  totalSize = 0;
  totalWork = 0;
  memory.fill(shared, 0, BUCKETS << 2);
}

/**
 * Compiles an expression into the memory of the configuration being built; 0 when it is refused: regexError says
 * why, regexErrorByte where. `pattern` must live as long as the configuration is being built.
 */
export function compileRegex(pattern: usize, length: u32): usize {
  clearRefusal();
  const bucket = shared + (((<usize>stableHash(pattern, length, 0)) & (BUCKETS - 1)) << 2);
  for (let entry = load<usize>(bucket); entry !== 0; entry = changetype<Shared>(entry).next) {
    const other = changetype<Shared>(entry);
    if (other.length !== length || !sameBytes(other.pattern, pattern, length)) continue;
    return other.regex;
  }
  const regex = compile(pattern, length);
  releaseScratch();
  if (regex === 0) return 0;
  const entry = changetype<Shared>(allocate(offsetof<Shared>()));
  entry.next = load<usize>(bucket);
  entry.pattern = pattern;
  entry.length = length;
  entry.regex = regex;
  store<usize>(bucket, changetype<usize>(entry));
  return regex;
}

function compile(pattern: usize, length: u32): usize {
  sets.clear();
  const root = parseSyntax(pattern, length);
  if (root === 0 || !buildNfa(root)) return 0;
  buildAlphabet(nfaConditions);
  const built = buildDfa();
  totalWork += work;
  if (!built) return 0;
  if (totalWork > MOST_TOTAL_WORK) {
    return refuse("the expressions of this configuration together take too long to be compiled", 0);
  }
  minimize();
  return write();
}

function releaseScratch(): void {
  releaseTree();
  sets.release();
  nfa.release();
  releaseDfa();
  releaseMinimize();
  numbers.release();
}

/** The final number of each block: the dead state, the state that always matches, then the others as they came. */
const numbers: Vector = staticVector();

/** Copies the merged automaton out of the scratch memory. */
function write(): usize {
  const dead = blockAt(0);
  const always = findAlways();
  const count = blockCount;
  const acceptsSize = (count + 1) & ~1;
  const size = <u32>ACCEPTS_OFFSET + acceptsSize + ((count * columnCount) << 1);
  if (count > MOST_STATES) return refuse("the expression needs more than 4096 states", 0);
  if (size > MOST_SIZE) return refuse("the expression needs more than 512 KiB of tables", 0);
  if (totalSize + size > MOST_TOTAL_SIZE) {
    return refuse("the expressions of this configuration together need more than 8 MiB of tables", 0);
  }
  totalSize += size;
  numberBlocks(dead, always);
  const regex = allocate(size);
  const header = changetype<Regex>(regex);
  header.start = <u16>numberOf(dfaStart);
  header.states = <u16>count;
  header.columns = <u16>columnCount;
  header.sinks = always < 0 ? 1 : 2;
  header.size = size;
  memory.copy(regex + COLUMNS_OFFSET, columnOf, 256);
  const rows = regex + ACCEPTS_OFFSET + acceptsSize;
  for (let state: u32 = 0; state < dfaCount; state++) {
    const number = numberOf(state);
    store<u8>(regex + number, load<u8>(accepts.start + state), ACCEPTS_OFFSET);
    for (let column: u32 = 0; column < columnCount; column++) {
      const next = <u32>load<u16>(table.start + ((state * columnCount + column) << 1));
      store<u16>(rows + ((number * columnCount + column) << 1), numberOf(next));
    }
  }
  return regex;
}

// @ts-ignore: decorator
@inline
function blockAt(state: u32): u32 {
  return load<u32>(blockOf.start + (state << 2));
}

// @ts-ignore: decorator
@inline
function numberOf(state: u32): u32 {
  return load<u32>(numbers.start + (blockAt(state) << 2));
}

/** The block that accepts and never leaves itself; -1 when there is none. */
function findAlways(): i32 {
  for (let state: u32 = 1; state < dfaCount; state++) {
    if (!load<u8>(accepts.start + state)) continue;
    const block = blockAt(state);
    let stays = true;
    for (let column: u32 = 0; column < columnCount && stays; column++) {
      stays = blockAt(<u32>load<u16>(table.start + ((state * columnCount + column) << 1))) === block;
    }
    if (stays) return block;
  }
  return -1;
}

function numberBlocks(dead: u32, always: i32): void {
  numbers.clear();
  numbers.push(blockCount << 2);
  let next: u32 = always < 0 ? 1 : 2;
  for (let block: u32 = 0; block < blockCount; block++) {
    let number: u32 = 0;
    if (<i32>block === always) number = 1;
    else if (block !== dead) number = next++;
    store<u32>(numbers.start + (block << 2), number);
  }
}
