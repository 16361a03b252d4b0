// What is kept of served snapshots, how much of it, what changed, and serving one of them again.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { renderDiff, renderHistory } from "../cli/history.ts";
import { History, UnknownVersion } from "./history.ts";
import { diff } from "./http/history.ts";
import type { Resource } from "./model.ts";
import { Pipeline } from "./pipeline.ts";
import { compareResources } from "./resource-diff.ts";
import type { Built } from "./snapshot.ts";
import { createStages } from "./stages.ts";

const directories: string[] = [];
after(() => Promise.all(directories.map((d) => rm(d, { recursive: true }))));

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "sluice-history-"));
  directories.push(made);
  return made;
}

const resource = (name: string, spec: unknown, labels = {}): Resource => ({
  group: "networking.istio.io",
  version: "v1",
  kind: "VirtualService",
  namespace: "default",
  name,
  labels,
  annotations: {},
  spec,
  position: () => ({ file: "mesh/a.yaml", line: 1, column: 1 }),
});

test("versions are kept newest first, each with what changed against the one before", async () => {
  const history = new History(await directory(), "mesh");
  await history.add("aa01", "2026-01-01T00:00:00.000Z", [resource("a", { x: 1 }), resource("b", {})]);
  await history.add("aa02", "2026-01-02T00:00:00.000Z", [resource("a", { x: 2 }), resource("c", {})]);
  await history.add("aa02", "2026-01-03T00:00:00.000Z", [resource("a", { x: 2 }), resource("c", {})]);
  const entries = await history.list();
  assert.deepEqual(
    entries.map((e) => [e.version, e.changes.map((c) => `${c.action} ${c.resource}`)]),
    [
      [
        "aa02",
        [
          "changed VirtualService default/a",
          "removed VirtualService default/b",
          "added VirtualService default/c",
        ],
      ],
      ["aa01", []],
    ],
  );
  assert.match(
    renderHistory(entries),
    /^2026-01-02T00:00:00.000Z {2}aa02 {2}changed VirtualService default\/a, rem/,
  );
});

test("a server started again goes on where the last one ended", async () => {
  const state = await directory();
  await new History(state, "mesh").add("aa01", "t1", [resource("a", { x: 1 })]);
  await new History(state, "mesh").add("aa01", "t2", [resource("a", { x: 1 })]);
  await new History(state, "mesh").add("aa02", "t3", [resource("a", { x: 2 })]);
  const entries = await new History(state, "mesh").list();
  assert.deepEqual(
    entries.map((e) => [e.version, e.changeCount]),
    [
      ["aa02", 1],
      ["aa01", 0],
    ],
  );
  assert.deepEqual(await new History(state, "elsewhere").list(), []);
});

test("the oldest go beyond the number and the size, the newest one never", async () => {
  const state = await directory();
  const few = new History(state, "mesh", { maxEntries: 3 });
  for (let i = 1; i <= 5; i++) await few.add(`0${i}`, "t", [resource("a", { i })]);
  assert.deepEqual(
    (await few.list()).map((e) => e.version),
    ["05", "04", "03"],
  );
  const [room] = await readdir(state);
  assert.equal((await readdir(join(state, room ?? ""))).length, 6);
  const small = new History(state, "mesh", { maxBytes: 1 });
  await small.add("06", "t", [resource("a", { i: 6 })]);
  assert.deepEqual(
    (await small.list()).map((e) => e.version),
    ["06"],
  );
});

test("a version is found by how it begins, and the rest is refused by name", async () => {
  const history = new History(await directory(), "mesh");
  await history.add("aa01", "t", [resource("a", { x: 1 })]);
  await history.add("aa02", "t", [resource("a", { x: 2 })]);
  await history.add("aa01", "t", [resource("a", { x: 1 })]);
  const { resources } = await history.find("aa01");
  assert.deepEqual([resources[0]?.spec, resources[0]?.position().line], [{ x: 1 }, 1]);
  const isUnknown = (words: RegExp) => (error: Error) =>
    error instanceof UnknownVersion && words.test(error.message);
  await assert.rejects(
    history.find("aa"),
    isUnknown(/several versions begin with aa; the newest ones: aa01, aa02/),
  );
  await assert.rejects(history.find("ff"), isUnknown(/there is no version ff/));
  await assert.rejects(history.find(""), isUnknown(/there is no version/));
});

test("an entry that was cut off while it was written is passed over", async () => {
  const state = await directory();
  const history = new History(state, "mesh");
  await history.add("aa01", "t", [resource("a", { x: 1 })]);
  const [room] = await readdir(state);
  await writeFile(join(state, room ?? "", "00000002-aa02.resources.new"), "half");
  await history.add("aa03", "t", [resource("a", { x: 3 })]);
  assert.deepEqual(
    (await history.list()).map((e) => e.version),
    ["aa03", "aa01"],
  );
});

const paths = (before: unknown, spec: unknown): string[] =>
  compareResources([resource("a", before)], [resource("a", spec)]).flatMap((d) =>
    d.fields.map(({ path, before: a, after: b }) => `${path}: ${JSON.stringify(a)} -> ${JSON.stringify(b)}`),
  );

test("fields are compared by path, entries of lists by name", () => {
  const first = { name: "first", timeout: "1s" };
  const second = { name: "second", match: [{ uri: { exact: "/a" } }] };
  assert.deepEqual(
    paths({ http: [first, second] }, { http: [{ name: "new" }, { ...first, timeout: "2s" }, second] }),
    ['spec.http[first].timeout: "1s" -> "2s"', 'spec.http[new]: undefined -> {"name":"new"}'],
  );
  assert.deepEqual(paths({ http: [first, second] }, { http: [second, first] }), [
    'spec.http, order: ["first","second"] -> ["second","first"]',
  ]);
  assert.deepEqual(paths({ hosts: ["a", "b"] }, { hosts: ["a", "c", "d"] }), [
    'spec.hosts[1]: "b" -> "c"',
    'spec.hosts[2]: undefined -> "d"',
  ]);
  assert.deepEqual(paths({ set: { "x y": 1 } }, { set: "x" }), ['spec.set: {"x y":1} -> "x"']);
  assert.deepEqual(paths({ set: { "x y": 1 } }, { set: { "x y": 2 } }), ['spec.set["x y"]: 1 -> 2']);
  assert.deepEqual(paths({ a: { b: [1] } }, { a: { b: [1] } }), []);
  const [label] = compareResources([resource("a", {}, { v: "1" })], [resource("a", {}, {})]);
  assert.deepEqual(label?.fields, [{ path: "metadata.labels.v", before: "1", after: undefined }]);
});

test("of a Secret it is told that it changed, and not what it holds", () => {
  const secret = (key: string): Resource => ({
    ...resource("s", { data: { "tls.key": key } }),
    kind: "Secret",
  });
  const [difference] = compareResources([secret("old")], [secret("new")]);
  assert.equal(difference?.resource, "Secret default/s");
  assert.deepEqual(difference?.fields, [
    { path: 'spec.data["tls.key"]', before: "(not shown)", after: "(not shown)" },
  ]);
});

const yaml = (timeout: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.default.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http: [{name: all, timeout: ${timeout}, route: [{destination: {host: shop}}]}]
`;

test("a pinned version is served whatever the folder holds, which is checked all the same", async () => {
  const [config, state] = [await directory(), await directory()];
  const file = join(config, "mesh.yaml");
  const stages = createStages({ listen: { host: "127.0.0.1", port: 1 }, modules: {}, delivery: "inline" });
  const history = new History(state, config);
  const quiet = { ...stages, watch: async () => ({ close: async () => {} }) };
  const pipeline = new Pipeline<Built>({ directory: config, stages: quiet, history });
  await writeFile(file, yaml("1s"));
  assert.equal(await pipeline.start({ useLastGood: false }), true);
  const first = pipeline.state().version;
  await writeFile(file, yaml("2s"));
  await pipeline.rebuild();
  const second = pipeline.state().version;
  await pipeline.close();
  assert.notEqual(first, second);
  const told = renderDiff(await diff(history, first, second));
  assert.match(told, /~ VirtualService default\/shop\n {4}spec.http\[all\].timeout: 1s -> 2s\n/);

  const pinned = new Pipeline<Built>({ directory: config, stages: quiet, history, pin: first.slice(0, 6) });
  assert.equal(await pinned.start({ useLastGood: false }), true);
  assert.equal(pinned.state().version, first);
  assert.equal(pinned.state().pinned?.version, first);
  assert.equal(pinned.state().isLastGood, false);
  await writeFile(file, yaml("soon"));
  await pinned.rebuild();
  assert.equal(pinned.state().version, first);
  assert.match(pinned.state().diagnostics[0]?.message ?? "", /duration/);
  await pinned.close();
  assert.deepEqual(
    (await history.list()).map((e) => e.version),
    [second, first],
  );

  const absent = new Pipeline<Built>({ directory: config, stages: quiet, history, pin: "ffff" });
  await assert.rejects(absent.start({ useLastGood: false }), UnknownVersion);
});
