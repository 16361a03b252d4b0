// The regular expressions of assembly/regex against re2js, RE2's JavaScript port, on random patterns and texts.
//
// Patterns and texts use the code points 0 to 255, one per byte: RE2 in Latin-1 mode, as Envoy runs it. re2js has
// Unicode's case folding only, so the letters beyond ASCII give way to signs; regex-envoy.test.ts has them.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { RE2JS } from "re2js";
import {
  accepted,
  chance,
  compile,
  compileAll,
  memorySize,
  mutate,
  samples,
  startKit,
  TOO_LARGE,
} from "./support/regex.ts";

before(startKit);

/** Signs for letters, whose case does not matter then. */
function withoutLetters(text: string): string {
  const signs: Record<string, string> = {
    "\u00e0": "\u00a1",
    "\u00c9": "\u00bb",
    "\u00df": "\u00a7",
    "\u00e9": "\u00ab",
    "\u00ff": "\u00bf",
    "\\x{e9}": "\\x{ab}",
  };
  return text.replaceAll(/[\u00c0-\u00ff]|\\x\{e9\}/g, (letter) => signs[letter] ?? letter);
}

/** RE2's verdict; undefined when it refuses the pattern. */
function reference(pattern: string): ((text: string) => boolean) | undefined {
  try {
    const regex = RE2JS.compile(pattern);
    return (text) => regex.matches(text);
  } catch {
    return undefined;
  }
}

test("random patterns decide as RE2", () => {
  const random = chance(Number(process.env.SLUICE_SEED ?? 20_261_124));
  const wanted = Number(process.env.SLUICE_DECISIONS ?? 20_000);
  const sample = samples(random);
  const count = { decisions: 0, matched: 0, refusals: 0, beyondLimits: 0 };
  while (count.decisions < wanted) {
    const { pattern: original, likely } = sample();
    const pattern = withoutLetters(original);
    const ours = compile(pattern);
    const theirs = reference(pattern);
    const verdict = ours.refused ? ours.message : "accepted";
    if (verdict.startsWith(TOO_LARGE)) {
      count.beyondLimits += 1;
      continue;
    }
    assert.equal(ours.refused, theirs === undefined, `${JSON.stringify(pattern)}: ${verdict}`);
    if (ours.refused || theirs === undefined) {
      count.refusals += 1;
      continue;
    }
    for (let i = 0; i < 10; i++) {
      const text = withoutLetters(mutate(likely(), random));
      const expected: boolean = theirs(text);
      if (ours.matches(text) !== expected) {
        assert.fail(`${JSON.stringify(pattern)} on ${JSON.stringify(text)}: RE2 says ${expected}`);
      }
      count.decisions += 1;
      if (expected) count.matched += 1;
    }
  }
  // The sample is worth something only if it holds matches, mismatches and refusals.
  assert.ok(count.matched > wanted / 8 && count.matched < (wanted * 7) / 8, `${count.matched} matches`);
  assert.ok(count.refusals > wanted / 1_000, `${count.refusals} refusals`);
  assert.ok(count.beyondLimits < wanted / 1_000, `${count.beyondLimits} patterns beyond the limits`);
});

test("random texts of syntax are accepted and refused as by RE2", () => {
  const random = chance(Number(process.env.SLUICE_SEED ?? 7));
  const pieces = [
    ..."ab1.-^$|()[]{}?*+\\:<>=!,PimsU\u00ab",
    "\\",
    "(?",
    "[[:",
    ":]",
    "{2",
    "\\x",
    "\\Q",
    "\\E",
    "[^",
    "(?P<",
  ];
  let acceptedBoth = 0;
  for (let i = 0; i < 20_000; i++) {
    let pattern = "";
    for (let left = 1 + random(9); left > 0; left--) pattern += pieces[random(pieces.length)];
    // re2js takes [:] for a class without a name; RE2 itself does not, and reads three bytes.
    if (pattern.includes("[:]")) continue;
    const ours = compile(pattern);
    const theirs = reference(pattern);
    if (ours.refused && ours.message.startsWith("Unicode classes")) continue;
    const verdict = ours.refused ? `${ours.message} at ${ours.byte}` : "accepted";
    assert.equal(ours.refused, theirs === undefined, `${JSON.stringify(pattern)}: ${verdict}`);
    if (ours.refused) assert.ok(ours.byte <= pattern.length, `${JSON.stringify(pattern)}: ${verdict}`);
    if (ours.refused || theirs === undefined) continue;
    acceptedBoth += 1;
    for (const text of [pattern, "", "a", pattern.slice(1), pattern.replaceAll(/[\\(){}[\]^$?*+|]/g, "")]) {
      assert.equal(ours.matches(text), theirs(text), `${JSON.stringify(pattern)} on ${JSON.stringify(text)}`);
    }
  }
  assert.ok(acceptedBoth > 2_000, `${acceptedBoth} accepted`);
});

test("refusals name the construct, the limit and the byte", () => {
  const rows: readonly (readonly [pattern: string, byte: number, words: string])[] = [
    ["a(?=b)", 1, "look-ahead"],
    ["a(?!b)", 1, "look-ahead"],
    ["(?<=a)b", 0, "look-behind"],
    ["(?<!a)b", 0, "look-behind"],
    ["(a)\\1", 3, "back-references"],
    ["a(?>b)", 1, "unknown group"],
    ["(?P<a>x)(?P<a>y)", 8, "same name"],
    ["(?P<a-b>x)", 0, "letters, digits and _"],
    ["\\pL", 0, "Unicode classes"],
    ["\\x{100}", 0, "above FF"],
    ["ab\\Z", 2, "unknown escape"],
    ["\\", 0, "trailing backslash"],
    ["a**", 1, "two repetitions in a row"],
    ["a++", 1, "two repetitions in a row"],
    ["a|*", 2, "nothing to repeat"],
    ["a{1001}", 1, "1000"],
    ["(a{100}){11}", 8, "1000"],
    ["a{3,2}", 1, "upper bound"],
    ["(ab", 0, "not closed"],
    ["ab)", 2, "closes no group"],
    ["x[ab", 1, "not closed"],
    ["[b-a]", 1, "ends before it begins"],
    ["[[:foo:]]", 1, "unknown class"],
    [`${"(".repeat(201)}a${")".repeat(201)}`, 200, "200 deep"],
  ];
  for (const [pattern, byte, words] of rows) {
    const regex = compile(pattern);
    if (!regex.refused) assert.fail(`${pattern} is accepted`);
    assert.ok(regex.message.includes(words), `${pattern}: ${regex.message}`);
    assert.equal(regex.byte, byte, `${pattern}: ${regex.message}`);
  }
});

test("the limits hold, and an expression just within them works", () => {
  const beyond = [
    "(a|b)*a(a|b){20}",
    "(a|b)*a(a|b){11}",
    "(?:[ab]{3}|[bc]{4}|[ca]{5}){1,60}z",
    "(abcdefghij){1000}",
    `(${"abcdefghijklmnopqrstuvwxyz0123456789".repeat(2)}){900}`,
    // 4,001 states are few enough, but not with a column for each of 200 bytes.
    Array.from({ length: 4000 }, (_, i) => `\\x${(33 + (i % 200)).toString(16)}`).join(""),
  ];
  for (const pattern of beyond) {
    const regex = compile(pattern);
    if (!regex.refused) assert.fail(`${pattern.slice(0, 40)} is accepted with ${regex.states} states`);
    assert.match(
      regex.message,
      /^the expression needs more than (4096 states|512 KiB of tables|4 MiB|16384 steps|20000000 steps)/,
    );
  }
  const within = accepted("(a|b)*a(a|b){10}");
  assert.equal(within.states, 2049);
  assert.equal(within.matches("abbbbbbbbbbb".slice(0, 11)), true);
  assert.equal(within.matches("bbbbbbbbbbbb"), false);
  const long = accepted("[ab]{1000}");
  assert.equal(long.matches("ab".repeat(500)), true);
  assert.equal(long.matches(`${"ab".repeat(500)}a`), false);
});

test("one configuration shares equal expressions and has a limit of its own", () => {
  const [first, other, again] = compileAll(["/v1/.*", "/v2/.*", "/v1/.*"]);
  assert.ok(first?.refused === false && other?.refused === false && again?.refused === false);
  assert.equal(again.address, first.address);
  assert.notEqual(other.address, first.address);
  assert.equal(first.matches("/v1/x"), true);
  assert.equal(other.matches("/v1/x"), false);

  // 1,002 states and 129 columns: some 253 KiB of tables each.
  const wide = (first: number) =>
    Array.from({ length: 1000 }, (_, i) => String.fromCharCode(128 + ((first + i) % 128))).join("");
  const all = compileAll(Array.from({ length: 34 }, (_, i) => wide(i)));
  const taken = all.filter((regex) => !regex.refused);
  const size = taken.reduce((sum, regex) => sum + (regex.refused ? 0 : regex.size), 0);
  assert.ok(size <= 8 * 1024 * 1024 && size > 7.7 * 1024 * 1024, `${size} bytes`);
  const next = all[taken.length];
  if (!next?.refused) assert.fail("the first beyond the limit is accepted");
  assert.match(next.message, /together need more than 8 MiB/);
  assert.equal(compile(wide(40)).refused, false, "the next configuration begins anew");
});

test("hostile patterns compile within bounds, or are refused", () => {
  // Small automata all, found without unfolding what blows up elsewhere.
  assert.equal(accepted("((a*)*){1000}").states, 2);
  assert.equal(accepted("(((((a?b?c?d?)*)*)*)*)*").states, 2);
  assert.equal(accepted("(.*)(.*)(.*)(.*)(.*)(.*)x").states, 3);
  assert.equal(accepted("(a?){500}(a?){500}").states, 1002);
  assert.equal(accepted("(a|aa|aaa|aaaa){200}").states, 802);
  const text = "a".repeat(60_000);
  assert.equal(accepted("(a+)+b").matches(text), false);
  assert.equal(accepted("(a|a)*").matches(text), true);
});

test("case folding is that of ASCII, as RE2's in Latin-1 mode", () => {
  const folded = accepted("(?i)stra\u00dfe\u00e9[x-z\u00e0]");
  assert.equal(folded.matches("STRA\u00dfE\u00e9Y"), true);
  assert.equal(folded.matches("stra\u00dfe\u00e9\u00e0"), true);
  assert.equal(folded.matches("stra\u00dfe\u00c9y"), false);
  assert.equal(folded.matches("stra\u00dfe\u00e9\u00c0"), false);
});

test("equal automata have one form", () => {
  // The fewest states that decide the language, counting the dead one and the one that always matches.
  const rows: readonly (readonly [pattern: string, states: number])[] = [
    ["abc", 5],
    ["a|b|c", 3],
    ["[abc]", 3],
    [".*", 2],
    ["(?s).*", 2],
    ["(?s)a.*|b.*", 3],
    ["(?s)(foo|bar).*", 7],
    ["[^\\x00-\\xff]", 1],
    ["$^", 2],
    ["a\\bb", 1],
  ];
  for (const [pattern, states] of rows) assert.equal(accepted(pattern).states, states, pattern);
});

test("recompiling leaves memory as it was", () => {
  const patterns = ["/v1/[^/]+/users/\\d+", "(a|b)*a(a|b){10}", "(a|b)*a(a|b){20}", "(a", "(?i)[a-z]{200}"];
  for (const pattern of patterns) compile(pattern);
  const size = memorySize();
  for (let i = 0; i < 50; i++) for (const pattern of patterns) compile(pattern);
  assert.equal(memorySize(), size);
});
