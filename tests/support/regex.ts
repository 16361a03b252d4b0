// The regular expressions of assembly/regex outside of any filter, and random patterns and texts to try them on.

import assert from "node:assert/strict";
import asc from "assemblyscript/asc";

/** How the refusals begin that are ours alone: RE2 has other limits. */
export const TOO_LARGE = "the expression needs more than";

interface Kit {
  memory: WebAssembly.Memory;
  /** A global: the address of the texts. */
  input: { readonly value: number };
  _initialize(): void;
  begin(): void;
  end(): void;
  compile(offset: number, length: number): number;
  matches(regex: number, length: number): number;
  states(regex: number): number;
  size(regex: number): number;
  refusal(): number;
  refusalByte(): number;
}

export type Compiled =
  | { refused: false; address: number; states: number; size: number; matches(text: string): boolean }
  | { refused: true; message: string; byte: number };

let kit: Kit;

/** Builds and instantiates assembly/regex/testing.ts. */
export async function startKit(): Promise<void> {
  let binary: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    ["assembly/regex/testing.ts", "--config", "asconfig.json", "--target", "release", "-o", "regex.wasm"],
    {
      stderr,
      writeFile(name, contents) {
        if (name === "regex.wasm") binary = Buffer.from(contents);
      },
    },
  );
  assert.ok(error === null && binary !== undefined, stderr.toString());
  const module = await WebAssembly.compile(new Uint8Array(binary));
  const instance = new WebAssembly.Instance(module, {});
  kit = instance.exports as unknown as Kit;
  kit._initialize();
}

function write(text: string, offset: number): number {
  Buffer.from(kit.memory.buffer).write(text, kit.input.value + offset, "latin1");
  return text.length;
}

/** Compiles in a configuration of its own. */
export function compile(pattern: string): Compiled {
  const [regex] = compileAll([pattern]);
  assert.ok(regex !== undefined);
  return regex;
}

/** Compiles in one configuration, whose expressions can be matched until the next one begins. */
export function compileAll(patterns: readonly string[]): Compiled[] {
  kit.begin();
  // The compiler keeps the address of a pattern while the configuration is built: each has a place of its own.
  let place = 0;
  const all = patterns.map((pattern) => {
    const regex = kit.compile(place, write(pattern, place));
    place += pattern.length;
    return regex === 0 ? refusal() : expression(regex);
  });
  kit.end();
  return all;
}

function refusal(): Compiled {
  const length = kit.refusal();
  const message = Buffer.from(kit.memory.buffer, kit.input.value + 65_536, length).toString("latin1");
  return { refused: true, message, byte: kit.refusalByte() };
}

function expression(regex: number): Compiled {
  return {
    refused: false,
    address: regex,
    states: kit.states(regex),
    size: kit.size(regex),
    matches: (text) => kit.matches(regex, write(text, 65_536)) !== 0,
  };
}

export function accepted(pattern: string): Extract<Compiled, { refused: false }> {
  const regex = compile(pattern);
  if (regex.refused) assert.fail(`${pattern} is refused: ${regex.message}`);
  return regex;
}

/** A whole number from 0 to below the bound. */
export type Chance = (bound: number) => number;

/** Seeded, so that a failure can be repeated (mulberry32). */
export function chance(seed: number): Chance {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * bound);
  };
}

/** Atoms, each with bytes out of which a match may be made. */
const atoms: readonly (readonly [pattern: string, likely: string])[] = [
  ...[..."abcABC01_- /\n\u00e9\u00c9\u00ff\u00b5\u00dfks]"].map((byte) => [byte, byte] as const),
  ["\\.", "."],
  ["\\n", "\n"],
  ["\\t", "\t"],
  ["\\x41", "A"],
  ["\\x{e9}", "\u00e9"],
  ["\\101", "A"],
  ["\\0", "\0"],
  ["\\d", "01"],
  ["\\D", "a/"],
  ["\\w", "aB0_"],
  ["\\W", "-/\u00e9"],
  ["\\s", " \n\t"],
  ["\\S", "a\u000b"],
  ["\\/", "/"],
  ["\\-", "-"],
  ["[abc]", "abc"],
  ["[^abc]", "ABd"],
  ["[a-c0-9]", "ac0"],
  ["[^\\w]", "-/"],
  ["[\\W_]", "-_"],
  ["[]a]", "]a"],
  ["[^]a]", "bA"],
  ["[a-]", "a-"],
  ["[-a]", "-a"],
  ["[a\\-c]", "a-c"],
  ["[[:alpha:]]", "aB"],
  ["[[:^digit:]b]", "ab/"],
  ["[^[:space:]]", "a\u00e9"],
  ["[\u00e0-\u00ff]", "\u00e0\u00e9\u00ff"],
  ["[\\x00-\\x{1f}]", "\n\t\0"],
  ["[[:foo]", "[:fo"],
  [".", "a\u00ff"],
  ["\\Qa.b\\E", "a"],
  ["^", ""],
  ["$", ""],
  ["\\A", ""],
  ["\\z", ""],
  ["\\b", ""],
  ["\\B", ""],
  ["()", ""],
  ["{", "{"],
  ["a{,2}", "a"],
  ["{1", "{"],
];
const repetitions = [
  "*",
  "+",
  "?",
  "*?",
  "+?",
  "??",
  "{0}",
  "{1}",
  "{2}",
  "{0,2}",
  "{1,3}",
  "{2,}",
  "{0,}",
  "{2}?",
];
const openings = ["(", "(?:", "(?i:", "(?s:", "(?m:", "(?-i:", "(?is-m:", "(?U:", "(?P<n>", "(?<m>"];
const bytes = "abcABC01_-. /\n\t\u00e9\u00c9\u00ff\u00b5ksKS\u00e0\u00df\0\u001f{}],*";

export interface Sample {
  pattern: string;
  /** A text that matches with a fair chance. */
  likely(): string;
}

/** Random patterns, most of which RE2 takes. */
export function samples(random: Chance): () => Sample {
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const byteOf = (text: string): string => (text === "" ? "" : (text[random(text.length)] as string));

  function choice(depth: number): Sample {
    const branches = [sequence(depth), ...(random(4) === 0 ? [sequence(depth)] : [])];
    return { pattern: branches.map((b) => b.pattern).join("|"), likely: () => pick(branches).likely() };
  }
  function sequence(depth: number): Sample {
    const parts = Array.from({ length: random(4) + (depth === 0 ? 1 : 0) }, () => repeated(depth));
    return {
      pattern: parts.map((p) => p.pattern).join(""),
      likely: () => parts.map((p) => p.likely()).join(""),
    };
  }
  function repeated(depth: number): Sample {
    const part = single(depth);
    if (random(3) > 0) return part;
    const times = [0, 1, 1, 2, 2, 3];
    return {
      pattern: part.pattern + pick(repetitions),
      likely: () => Array.from({ length: pick(times) }, () => part.likely()).join(""),
    };
  }
  function single(depth: number): Sample {
    if (random(40) === 0)
      return { pattern: pick(["(?i)", "(?s)", "(?m)", "(?-i)", "(?ims)"]), likely: () => "" };
    if (random(4) === 0 && depth < 4) {
      const inner = choice(depth + 1);
      return { pattern: `${pick(openings)}${inner.pattern})`, likely: inner.likely };
    }
    const [pattern, likely] = pick(atoms);
    return { pattern, likely: () => byteOf(likely) };
  }
  return () => choice(0);
}

/** The likely text, or one a few bytes away from it. */
export function mutate(text: string, random: Chance): string {
  let mutated = text;
  for (let left = random(3); left > 0; left--) {
    const at = random(mutated.length + 1);
    const byte = random(4) === 0 ? "" : (bytes[random(bytes.length)] as string);
    mutated = mutated.slice(0, at) + byte + mutated.slice(at + random(2));
  }
  return mutated;
}

/** Of the module's linear memory, in bytes. */
export function memorySize(): number {
  return kit.memory.buffer.byteLength;
}
