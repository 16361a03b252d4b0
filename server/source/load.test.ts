// Folders on disk: what is read, within which limits, and what is said of the rest.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatDiagnostic } from "../../schema/diagnostic.ts";
import type { Limits } from "./files.ts";
import { loadFolder, loadPaths, type LoadedSources } from "./load.ts";

/** Files by name, read as a folder; diagnostics come back with names relative to it. */
async function load(
  files: Record<string, string | Uint8Array>,
  limits: Limits = {},
): Promise<LoadedSources & { told: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-load-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const loaded = await loadFolder(folder, limits);
    return {
      ...loaded,
      told: loaded.diagnostics.map((d) =>
        formatDiagnostic(d).replaceAll(`${folder}/`, "").replaceAll(folder, "."),
      ),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const rule = (name: string, spec = "{host: a}") =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

test("the sample mesh, with the place of every field", async () => {
  const { resources, diagnostics, complete } = await loadFolder("examples/ficool/mesh.yaml");
  assert.deepEqual(diagnostics, []);
  assert.equal(complete, true);
  assert.deepEqual(
    resources.map((r) => `${r.group}/${r.version} ${r.kind} ${r.namespace}/${r.name}`),
    ["VirtualService", "DestinationRule", "ServiceEntry"].map(
      (kind) => `networking.istio.io/v1 ${kind} ficool/go-search-service`,
    ),
  );
  const [service] = resources;
  assert.ok(service);
  const at = (...path: (string | number)[]) => {
    const { line, column } = service.position(path);
    return `${line}:${column}`;
  };
  assert.equal(service.position().file, "examples/ficool/mesh.yaml");
  assert.equal(at(), "2:1");
  assert.equal(at("metadata", "name"), "6:9");
  assert.equal(at("spec", "http"), "10:3");
  assert.equal(at("spec", "http", 1, "route", 1, "weight"), "29:15");
  assert.equal(at("spec", "http", 1), "20:5");
  assert.equal(at("spec", "http", 0, "timeout"), "11:5");
});

test("sub-folders, several documents and JSON are read; other files and hidden ones are not", async () => {
  const { resources, told } = await load({
    "b.yaml": `${rule("b1")}---\n${rule("b2")}`,
    "sub/deep/a.yml": rule("a"),
    "c.json": JSON.stringify(
      {
        apiVersion: "networking.istio.io/v1",
        kind: "DestinationRule",
        metadata: { name: "c" },
        spec: { host: "c" },
      },
      null,
      "\t",
    ),
    "notes.txt": "{",
    ".hidden.yaml": "{",
    ".git/x.yaml": "{",
    "node_modules/x.yaml": "{",
  });
  assert.deepEqual(told, []);
  assert.deepEqual(
    resources.map((r) => r.name),
    ["b1", "b2", "c", "a"],
  );
});

test("names, namespaces, labels and annotations", async () => {
  const { resources } = await load({
    "a.yaml": rule("x").replace("{name: x}", "{name: x, labels: {app: y}, annotations: {note: z}}"),
  });
  const [resource] = resources;
  assert.equal(resource?.namespace, "default");
  assert.deepEqual(resource?.labels, { app: "y" });
  assert.deepEqual(resource?.annotations, { note: "z" });
});

test("lines and columns of a later document are those of the file", async () => {
  const { told, resources } = await load({
    "a.yaml": `# comment\n---\n${rule("a")}--- # next\n${rule("b", "\n  host: x\n  host: a\n  hots: b")}`,
  });
  assert.deepEqual(told, [
    "a.yaml:13:3: error: spec.host: duplicate key; `host` stands already on line 12; remove one of them",
    "a.yaml:14:3: error: spec.hots: unknown field; did you mean `host`?",
  ]);
  assert.deepEqual(
    resources.map((r) => r.position(["spec", "host"]).line),
    [6],
  );
});

test("one resource in two files", async () => {
  const { told } = await load({ "a.yaml": rule("x"), "b.yaml": `\n${rule("x")}` });
  assert.deepEqual(told, [
    "b.yaml:4:18: error: metadata.name: DestinationRule default/x stands already in a.yaml:3; remove one of the two, or rename it",
  ]);
});

test("one name in two namespaces, or of two kinds, is two resources", async () => {
  const other = rule("x")
    .replace("DestinationRule", "Gateway")
    .replace("{host: a}", "{servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}]}");
  const { told } = await load({
    "a.yaml": `${rule("x")}---\n${other}---\n${rule("x").replace("{name", "{namespace: other, name")}`,
  });
  assert.deepEqual(told, []);
});

test("a fault of one document leaves the others, and says that something is missing", async () => {
  const { resources, complete } = await load({ "a.yaml": `${rule("a", "{hosts: a}")}---\n${rule("b")}` });
  assert.deepEqual(
    resources.map((r) => r.name),
    ["b"],
  );
  assert.equal(complete, false);
});

test("a 10 MB file is refused by its size", async () => {
  const { told, complete } = await load({ "big.yaml": "#".repeat(10_000_000), "a.yaml": rule("a") });
  assert.deepEqual(told, [
    "big.yaml:1:1: error: the file has 10000000 bytes; at most 1048576 are read: split it into several files",
  ]);
  assert.equal(complete, false);
});

test("the limits can be set", async () => {
  const files = { "a.yaml": rule("a"), "b.yaml": rule("b"), "c.yaml": rule("c") };
  assert.deepEqual((await load(files, { maxFileBytes: 1000, maxFolderBytes: 200 })).told, [
    "c.yaml:1:1: error: the folder holds more than 200 bytes, the most that is read",
  ]);
  assert.deepEqual((await load({ "a.yaml": rule("a") }, { maxFileBytes: 10 })).told, [
    "a.yaml:1:1: error: the file has 93 bytes; at most 10 are read: split it into several files",
  ]);
});

test("a file that takes too long is given up, and the next one is read", async () => {
  const slow = `${rule("slow", `{host: a, subsets: [${"{name: x, labels: {a: b}}, ".repeat(20_000)}]}`)}`;
  const { told, resources } = await load({ "a.yaml": slow }, { maxParseMs: 1 });
  assert.deepEqual(told, [
    "a.yaml:1:1: error: reading took longer than 0.001 s, the most allowed: split the file",
  ]);
  assert.deepEqual(resources, []);
  assert.equal((await load({ "a.yaml": rule("a") })).resources.length, 1);
});

test("bytes that are no text", async () => {
  const { told } = await load({
    "1.yaml": Buffer.from([...Buffer.from("a: 1\nb: é"), 0xc3, 0x28, 0x0a]),
    "2.yaml": Buffer.from([0xff, 0xfe, 0x61, 0x00]),
    "3.yaml": "a: 1\nb: \u0007\n",
    "4.yaml": Buffer.from([0x61, 0xe2, 0x82]),
    "5.yaml": Buffer.concat([Buffer.from("\ufeff"), Buffer.from(rule("bom"))]),
  });
  assert.deepEqual(told, [
    "1.yaml:2:5: error: byte 10 of the file (0xC3) is not valid UTF-8; save the file as UTF-8",
    "2.yaml:1:1: error: the file is UTF-16; save it as UTF-8",
    "3.yaml:2:4: error: the control character U+0007 is not allowed in YAML; write it as an escape in double quotes",
    "4.yaml:1:2: error: byte 1 of the file (0xE2) is not valid UTF-8; save the file as UTF-8",
  ]);
});

test("folders that are empty or absent", async () => {
  assert.deepEqual((await load({})).told, [".:1:1: warning: the folder holds no .yaml, .yml or .json file"]);
  const absent = await loadFolder("/absent/folder");
  assert.deepEqual(absent.diagnostics.map(formatDiagnostic), [
    "/absent/folder:1:1: error: there is no such file or folder",
  ]);
});

test("links are followed, but not in circles", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-link-"));
  await mkdir(join(folder, "sub"));
  await mkdir(join(folder, "..data"));
  await writeFile(join(folder, "..data", "a.yaml"), rule("a"));
  await symlink("..data/a.yaml", join(folder, "a.yaml"));
  await symlink("..", join(folder, "sub", "up"));
  const { resources, diagnostics } = await loadFolder(folder);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(
    resources.map((r) => r.name),
    ["a"],
  );
  await rm(folder, { recursive: true });
});

test("several paths are one mesh", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-paths-"));
  await writeFile(join(folder, "a.yaml"), rule("a"));
  await writeFile(join(folder, "b.yaml"), rule("a"));
  const { resources, diagnostics } = await loadPaths([join(folder, "a.yaml"), join(folder, "b.yaml")]);
  assert.equal(resources.length, 2);
  assert.match(diagnostics[0]?.message ?? "", /stands already in .*a\.yaml:3/);
  await rm(folder, { recursive: true });
});

test("an unchanged document keeps its parsed value when its neighbour is edited", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-cache-"));
  const file = join(folder, "a.yaml");
  await writeFile(file, `${rule("a")}---\n${rule("b")}`);
  const before = await loadFolder(folder);
  await writeFile(file, `# a line more\n${rule("a", "{host: c}")}---\n${rule("b")}`);
  const after = await loadFolder(folder);
  assert.equal(after.resources[1]?.spec, before.resources[1]?.spec);
  assert.deepEqual(after.resources[0]?.spec, { host: "c" });
  assert.equal(before.resources[1]?.position().line, 6);
  assert.equal(after.resources[1]?.position().line, 7);
  await rm(folder, { recursive: true });
});

test("a text as a tutorial has it: // comments and a field indented too deep", async () => {
  const { diagnostics } = await loadFolder("tests/fixtures/as-written.yaml");
  assert.deepEqual(
    diagnostics.map((d) => `${d.line}:${d.column} ${d.path}`),
    ["7:10 spec.hosts", "9:9 spec.http", "28:15 spec.http[1].route[1].weight", "33:13 spec.exportTo"],
  );
  for (const d of diagnostics.filter((_, i) => i !== 2))
    assert.match(d.message, /YAML comments begin with #: write `# /);
});

test("the same text with its comments repaired", async () => {
  const { diagnostics, resources, complete } = await loadFolder(
    "tests/fixtures/as-written-comments-repaired.yaml",
  );
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    "tests/fixtures/as-written-comments-repaired.yaml:28:15: error: spec.http[1].route[1].weight: `weight` is indented deeper than `subset: v1` above it, which can hold no fields; it belongs beside `destination`: indent it by 10 spaces, not 14",
  ]);
  // The references are checked as if it were mended.
  assert.equal(complete, true);
  assert.deepEqual(
    resources.map((r) => r.kind),
    ["VirtualService", "DestinationRule"],
  );
  assert.equal(resources[0]?.position(["spec", "http", 1, "route", 1, "weight"]).column, 23);
});

test("8,000 routes are read off the main thread", async () => {
  const routes = Array.from(
    { length: 8_000 },
    (_, i) => `  - name: r${i}\n    match: [{uri: {exact: /${i}}}]\n    redirect: {uri: /}\n`,
  ).join("");
  let turns = 0;
  const counter = setInterval(() => turns++, 1);
  const { resources, told } = await load({
    "a.yaml": `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n${routes}`,
  });
  clearInterval(counter);
  assert.deepEqual(told, []);
  const spec = resources[0]?.spec as { http: unknown[] } | undefined;
  assert.equal(spec?.http.length, 8_000);
  assert.ok(turns > 10, `the event loop turned ${turns} times`);
});
