// Every message of validation is shown by a test with the input that causes it. The messages are read out of the code, and
// each must be expected, in a run of its own words, by some test; a new message without one fails here, by file and line.

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { validatePaths } from "../cli/validate.ts";
import { projectRoot } from "../envoy/root.ts";
import { type Literal, literalsOf } from "./support/literals.ts";

interface Shown {
  base: string;
  inputs: { name: string; alone?: boolean; input: string; told: string[] }[];
}

const shown = parse(await readFile(join(projectRoot, "tests/fixtures/messages.yaml"), "utf8")) as Shown;

describe("inputs and what is told of them", () => {
  for (const { name, alone, input, told } of shown.inputs) {
    test(name, async () => {
      const folder = await mkdtemp(join(tmpdir(), "sluice-messages-"));
      try {
        if (alone !== true) await writeFile(join(folder, "base.yaml"), shown.base);
        await writeFile(join(folder, "x.yaml"), input);
        const { diagnostics } = await validatePaths([folder]);
        const all = diagnostics.map((d) =>
          `${d.severity} ${d.path}: ${d.message}`.replaceAll(`${folder}/`, ""),
        );
        for (const one of told) assert.ok(all.includes(one), `${one}\nis not among\n${all.join("\n")}`);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});

/**
 * Where messages are made; texts of `sluice explain` are in files -text.ts. Fields that are not supported are walked by
 * tests/fields.test.ts, with their messages.
 */
const rooms = ["schema", "server/source", "server/istio", "server/policy", "server/gateway-api"];
/** Of failures that no input brings about: of the operating system, and of the parser's own thread. */
const unprovoked = [
  "the folder cannot be read: ",
  "the file cannot be read: ",
  "the file cannot be parsed: ",
];
/** Words in a row that are no accident. */
const run = 4;

const filesIn = async (room: string, deep: boolean): Promise<string[]> =>
  (await readdir(join(projectRoot, room), { recursive: deep }))
    .filter((name) => /\.(ts|yaml)$/.test(name) && !/(^|\/)(generated|emit)\//.test(name))
    .map((name) => join(room, name));

const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.endsWith(".yaml");

/** Code before what is documentation, a failure of the program itself, or a log's. */
const elsewhere =
  /(?:\b(?:doc|text|puts|unsupported):\s*(?:\(\w*\) =>\s*)?(?:"[^"]*"\s*\+\s*)*|ignored\(|new Error\(\s*|import .*from|logger\..*)$/;

/** Texts for people: several words. */
const isMessage = ({ parts, before }: Literal): boolean =>
  wordsOf(parts.join(" ")).length >= run &&
  /[a-z] [a-z]/.test(parts.join("")) &&
  !elsewhere.test(before.trimEnd());

const wordsOf = (text: string): string[] => plain(text).match(/[^\s]+/g) ?? [];

/** Tests write messages as texts and as regular expressions. */
const plain = (text: string): string =>
  text
    .replace(/\\[nt]/g, " ")
    .replace(/[\\`"'^$()[\]{}|?*+.,:;!]/g, " ")
    .replace(/\s+/g, " ");

const runsOf = (part: string): string[] => {
  const words = wordsOf(part);
  return words.flatMap((_, at) => (at + run <= words.length ? [words.slice(at, at + run).join(" ")] : []));
};

test("each message is expected by a test", async () => {
  const all = (
    await Promise.all(["schema", "server", "cli", "tests"].map((room) => filesIn(room, true)))
  ).flat();
  const texts = await Promise.all(
    all.filter(isTest).map((path) => readFile(join(projectRoot, path), "utf8")),
  );
  const lines = texts.flatMap((text) => text.split("\n")).map((line) => ` ${plain(line)} `);
  const corpus = lines.join("");
  /** Where the words between two values are few, all of them are wanted, in one line. */
  const isExpected = (parts: readonly string[]): boolean => {
    if (parts.some((part) => runsOf(part).some((words) => corpus.includes(` ${words} `)))) return true;
    const whole = new RegExp(parts.map((part) => wordsOf(part).join(" ")).join(".{0,200}?"));
    return lines.some((line) => whole.test(line));
  };
  const missing: string[] = [];
  for (const path of (await Promise.all(rooms.map((room) => filesIn(room, false)))).flat()) {
    if (isTest(path) || path.endsWith("-text.ts")) continue;
    for (const literal of literalsOf(await readFile(join(projectRoot, path), "utf8")))
      if (isMessage(literal) && !unprovoked.includes(literal.parts[0] ?? "") && !isExpected(literal.parts))
        missing.push(`${path}:${literal.line}: ${literal.parts.join("...")}`);
  }
  assert.equal(missing.join("\n"), "");
});
