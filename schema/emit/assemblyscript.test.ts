import assert from "node:assert/strict";
import { test } from "node:test";
import { headerRoutingConfig } from "../header-routing.ts";
import { boolean, duration, integer, list, map, type ObjectSchema, percent, string } from "../language.ts";
import { emitAssemblyScript, emitAssemblyScriptRecords } from "./assemblyscript.ts";
import { readerFiles } from "./readers.ts";

const object = (name: string, fields: ObjectSchema["fields"]): ObjectSchema => ({
  type: "object",
  name,
  doc: "For a test.",
  fields,
});

const field = (schema: ObjectSchema["fields"][string]["schema"]) => ({ schema, doc: "A field." });

/** Members of the one class that is emitted, as `name: type`. */
function membersOf(fields: ObjectSchema["fields"]): string[] {
  const text = emitAssemblyScriptRecords([object("Thing", fields)]);
  return [...text.matchAll(/^ {2}(\w+: [^;]+);$/gm)].map((found) => found[1] ?? "");
}

test("a slot holds what its kind needs", () => {
  assert.deepEqual(membersOf({ name: field(string()) }), [
    "present: u32",
    "nameStart: usize",
    "nameLength: u32",
  ]);
  assert.deepEqual(membersOf({ re: field(string(9, "regex")) }), [
    "present: u32",
    "reStart: usize",
    "reLength: u32",
    "reCompiled: usize",
  ]);
  assert.deepEqual(membersOf({ all: field(list(string(), 3)) }), [
    "present: u32",
    "allStart: usize",
    "allCount: u32",
    "allIndex: usize",
  ]);
  assert.deepEqual(membersOf({ inner: field(object("Inner", {})) }).slice(-1), ["inner: Inner | null"]);
});

test("a number is as wide as its range", () => {
  assert.deepEqual(membersOf({ n: field(integer(0, 2_147_483_647)) }), ["present: u32", "n: i32"]);
  assert.deepEqual(membersOf({ n: field(integer(0, 2_147_483_648)) }), ["present: u32", "n: i64"]);
});

test("records end where an array of them can go on", () => {
  assert.deepEqual(membersOf({ wait: field(duration(0, 1)), on: field(boolean) }), [
    "present: u32",
    "waitNs: i64",
    "on: bool",
    ...Array.from({ length: 7 }, (_, i) => `unused${i}: u8`),
  ]);
  assert.deepEqual(membersOf({ share: field(percent), on: field(boolean) }), [
    "present: u32",
    "shareMillionths: u32",
    "on: bool",
    ...Array.from({ length: 3 }, (_, i) => `unused${i}: u8`),
  ]);
});

test("what a reader cannot hold is refused by name", () => {
  const options = { assembly: "." };
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, field(boolean)]));
  assert.throws(() => emitAssemblyScript(object("Wide", many), options), /Wide has more than 32 fields/);
  const twice = { a: field(object("Same", {})), b: field(object("Same", {})) };
  assert.throws(() => emitAssemblyScript(object("Root", twice), options), /two objects are named Same/);
  const strange = { a: field(map(boolean, 3, "retryOn")) };
  assert.throws(() => emitAssemblyScript(object("Root", strange), options), /texts of the form retryOn/);
});

test("equal declarations give equal readers, each node once", () => {
  const emit = () => emitAssemblyScript(headerRoutingConfig, { assembly: "." });
  assert.equal(emit(), emit());
  const texts = /const texts: usize = memory.data<u8>\(\[\n([^\]]+)\]\)/.exec(emit())?.[1] ?? "";
  const bytes = Buffer.from(texts.split(",").map(Number)).toString();
  assert.equal(bytes.split("withoutHeaders").length, 2);
});

test("each filter's reader lies in its folder", () => {
  const files = readerFiles();
  assert.ok(files.has("assembly/generated/records.ts"));
  assert.match(files.get("filters/header_routing/generated/config.ts") ?? "", /readHeaderRoutingConfig/);
});
