// Mutated and hostile files: whatever is written, reading it ends, throws nothing, and tells of an error
// whenever no resource came of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePiece } from "./parse.ts";
import { cut, decode } from "./text.ts";

/** Numbers below `below`, the same in every run (mulberry32). */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const fragments = [
  ":",
  ": ",
  "- ",
  "\n",
  "  ",
  "\t",
  "//",
  "#",
  "&a ",
  "*a",
  "[",
  "]",
  "{",
  "}",
  '"',
  "'",
  "|\n",
  ">\n",
  "---\n",
  "...\n",
  "!!str ",
  "? ",
  "<<: ",
  "%YAML 1.1\n",
  "é",
  "\u2028",
  "0777",
  "yes",
  "{{ x }}",
  ",",
  "@",
  "`",
  "\r\n",
];

function mutate(text: string, random: (below: number) => number): string {
  let mutated = text;
  for (let i = random(4); i >= 0; i--) {
    const at = random(mutated.length + 1);
    const to = Math.min(mutated.length, at + random(12));
    const insert = random(3) === 0 ? "" : (fragments[random(fragments.length)] ?? "");
    mutated = mutated.slice(0, at) + insert + mutated.slice(random(2) === 0 ? at : to);
  }
  return mutated;
}

test("400 mutated files", () => {
  const random = chance(3);
  const sources = ["examples/ficool/mesh.yaml", "tests/fixtures/as-written.yaml"].map((file) =>
    readFileSync(file, "utf8"),
  );
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    const text = mutate(sources[i % sources.length] ?? "", random);
    for (const piece of cut(text)) {
      const { problems, resources, rejected } = parsePiece(piece.text);
      const errors = problems.filter((p) => p.severity === "error").length;
      if (errors > 0) refused++;
      assert.ok(rejected === 0 || errors > 0, `rejected without an error:\n${piece.text}`);
      for (const p of problems) {
        const lines = piece.text.split("\n");
        assert.ok(p.line >= 1 && p.line <= lines.length + 1, `line ${p.line} of:\n${piece.text}`);
        assert.ok(p.column >= 1, `column ${p.column} of:\n${piece.text}`);
      }
      for (const resource of resources) assert.equal(typeof resource.value.metadata.name, "string");
    }
  }
  assert.ok(refused > 100, `${refused} pieces were refused`);
});

test("what is cut at its document marks is the same text", () => {
  const random = chance(4);
  const source = readFileSync("examples/ficool/mesh.yaml", "utf8");
  for (let i = 0; i < 500; i++) {
    const text = mutate(source, random);
    const pieces = cut(text);
    assert.equal(pieces.map((piece) => piece.text).join(""), text);
    for (const piece of pieces) {
      const before = text.split("\n").slice(0, piece.line - 1);
      assert.ok(text.startsWith(piece.text, before.length === 0 ? 0 : before.join("\n").length + 1));
    }
  }
});

test("random bytes are text, or refused at a byte", () => {
  const random = chance(5);
  for (let i = 0; i < 2_000; i++) {
    const bytes = Uint8Array.from({ length: random(20) }, () =>
      random(2) === 0 ? random(128) : random(256),
    );
    const decoded = decode(bytes);
    if ("text" in decoded) assert.deepEqual(Buffer.from(decoded.text), Buffer.from(bytes));
    else assert.ok(decoded.line >= 1 && decoded.column >= 1);
  }
});

test("200 KB of faults is told in a hundred lines and one", () => {
  const head =
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  host: a\n";
  for (const [line, least] of [
    ["  host: a\n", 101],
    ["  x: 0777\n", 50],
    ["// x\n", 100],
    ["  // x\n", 100],
    ["  host a\n", 1],
    ["    host: a\n", 1],
    ["- a\n", 1],
  ] as const) {
    const { problems } = parsePiece(head + line.repeat(Math.floor(200_000 / line.length)));
    assert.ok(problems.length >= least && problems.length <= 202, `${problems.length} problems of ${line}`);
  }
});
