// The pipeline over stages made for the test: what is served after each edit, and what is reported.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Diagnostic } from "../schema/diagnostic.ts";
import { LastGood } from "./last-good.ts";
import type { NodeIdentity, Resource, Snapshot, Sources } from "./model.ts";
import { type BuiltSnapshot, Pipeline, type Stages } from "./pipeline.ts";
import type { Refusal } from "./refusal.ts";

const node: NodeIdentity = {
  id: "n",
  cluster: "c",
  role: "gateway",
  namespace: "default",
  labels: {},
  envoyVersion: "1.40.0",
};

function policy(name: string): Resource {
  return {
    group: "sluice.traffic",
    version: "v1alpha1",
    kind: "HeaderRoutingPolicy",
    namespace: "default",
    name,
    labels: {},
    annotations: {},
    spec: { rules: [] },
    position: (path = []) => ({ file: "mesh/a.yaml", line: 1 + path.length, column: 3 }),
  };
}

function fault(message: string, more: Partial<Diagnostic> = {}): Diagnostic {
  return { file: "mesh/a.yaml", line: 4, column: 2, severity: "error", path: "spec", message, ...more };
}

/** A folder whose content the test sets, and stages that take it. */
class World {
  sources: Sources = { resources: [], diagnostics: [] };
  buildDiagnostics: Diagnostic[] = [];
  refusal: Refusal | undefined;
  loads = 0;
  previous: (BuiltSnapshot | undefined)[] = [];
  change: () => void = () => {};
  beforeLoad: () => Promise<void> = async () => {};

  readonly stages: Stages<BuiltSnapshot> = {
    load: async () => {
      this.loads++;
      await this.beforeLoad();
      return this.sources;
    },
    build: (resources, previous) => {
      this.previous.push(previous);
      const version = resources.map((resource) => resource.name).join("+") || "empty";
      const configuration = JSON.stringify({
        policies: resources.map(({ namespace, name }) => ({ name: `${namespace}/${name}` })),
      });
      return {
        diagnostics: this.buildDiagnostics,
        plugins: [{ filter: "header_routing", configuration }],
        snapshotFor: (): Snapshot => ({ version, resources: new Map() }),
      };
    },
    check: async () => (this.refusal ? { ok: false, refusal: this.refusal } : { ok: true }),
    watch: async (_directory, onChange) => {
      this.change = onChange;
      return { close: async () => {} };
    },
  };

  put(...names: string[]): void {
    this.sources = { resources: names.map(policy), diagnostics: [] };
  }

  pipeline(lastGood?: LastGood): Pipeline {
    return new Pipeline({ directory: "mesh", stages: this.stages, ...(lastGood ? { lastGood } : {}) });
  }
}

describe("pipeline", () => {
  test("serves what the folder holds and tells subscribers of each new snapshot", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    assert.equal(pipeline.current(node), undefined);
    assert.equal(await pipeline.start({ useLastGood: false }), true);
    assert.equal(pipeline.current(node)?.version, "a");
    let told = 0;
    const unsubscribe = pipeline.subscribe(() => told++);
    world.put("a", "b");
    world.change();
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "a+b");
    assert.deepEqual(pipeline.state().resources, { HeaderRoutingPolicy: 2 });
    assert.ok(told >= 1);
    unsubscribe();
    const before = told;
    world.put("c");
    await pipeline.rebuild();
    assert.equal(told, before);
    assert.notEqual(world.previous.at(-1), undefined, "a build knows the one before it");
    await pipeline.close();
  });

  test("an error in a file changes nothing and is reported until it is mended", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    await pipeline.start({ useLastGood: false });
    world.sources = { resources: [], diagnostics: [fault("no such field")] };
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "a");
    assert.deepEqual(
      [pipeline.state().isLastGood, pipeline.state().failures, pipeline.state().diagnostics],
      [true, 1, [fault("no such field")]],
    );
    world.put("a");
    await pipeline.rebuild();
    assert.deepEqual([pipeline.state().isLastGood, pipeline.state().diagnostics], [false, []]);
  });

  test("a warning holds nothing back", async () => {
    const world = new World();
    world.put("a");
    world.buildDiagnostics = [fault("surely wrong", { severity: "warning" })];
    const pipeline = world.pipeline();
    assert.equal(await pipeline.start({ useLastGood: false }), true);
    assert.equal(pipeline.state().diagnostics.length, 1);
  });

  test("a reference of a VirtualService holds back all, one of a policy only that policy", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    await pipeline.start({ useLastGood: false });
    world.put("b");
    world.buildDiagnostics = [fault("no such subset", { resource: "VirtualService default/vs" })];
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "a");
    world.buildDiagnostics = [fault("no such target", { resource: "HeaderRoutingPolicy default/b" })];
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "b");
    assert.equal(pipeline.state().isLastGood, false);
    assert.equal(pipeline.state().diagnostics.length, 1);
  });

  test("what a filter refuses is traced to the policy's field and never published", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    await pipeline.start({ useLastGood: false });
    world.put("a", "b");
    world.refusal = { path: "policies[1].rules[0].match", byte: 40, message: "too many states" };
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "a");
    assert.deepEqual(pipeline.state().diagnostics, [
      {
        file: "mesh/a.yaml",
        line: 5,
        column: 3,
        severity: "error",
        resource: "HeaderRoutingPolicy default/b",
        path: "spec.rules[0].match",
        message: "the header_routing filter refuses this: too many states",
      },
    ]);
  });

  test("a stage that fails outright is a diagnostic of the folder", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    await pipeline.start({ useLastGood: false });
    world.beforeLoad = async () => {
      throw new Error("the disk is gone");
    };
    await pipeline.rebuild();
    assert.equal(pipeline.current(node)?.version, "a");
    assert.equal(pipeline.state().diagnostics[0]?.message, "the disk is gone");
  });

  test("changes while a build runs lead to one more build, with the newest content", async () => {
    const world = new World();
    world.put("a");
    const pipeline = world.pipeline();
    await pipeline.start({ useLastGood: false });
    let release = (): void => {};
    world.beforeLoad = () => new Promise((resolve) => (release = resolve));
    const first = pipeline.rebuild();
    world.beforeLoad = async () => {};
    for (const name of ["b", "c", "d"]) {
      world.put(name);
      world.change();
    }
    release();
    await first;
    assert.equal(pipeline.current(node)?.version, "d");
    assert.equal(world.loads, 3);
  });
});

describe("the last good configuration on disk", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-state-"));
  after(() => rm(directory, { recursive: true }));

  test("serves a folder in error at the start, when asked to, and says so", async () => {
    const world = new World();
    world.put("a");
    await world.pipeline(new LastGood(directory)).start({ useLastGood: false });
    world.sources = { resources: [], diagnostics: [fault("broken")] };

    const strict = world.pipeline(new LastGood(directory));
    assert.equal(await strict.start({ useLastGood: false }), false);

    const lenient = world.pipeline(new LastGood(directory));
    assert.equal(await lenient.start({ useLastGood: true }), true);
    assert.equal(lenient.current(node)?.version, "a");
    const { isLastGood, isFromState, diagnostics, resources } = lenient.state();
    assert.deepEqual(
      [isLastGood, isFromState, diagnostics.length, resources],
      [true, true, 1, { HeaderRoutingPolicy: 1 }],
    );

    world.put("mended");
    await lenient.rebuild();
    assert.deepEqual([lenient.state().isFromState, lenient.state().version], [false, "mended"]);
  });

  test("belongs to one folder", async () => {
    const other = new LastGood(directory);
    assert.equal(await other.load("another folder"), undefined);
    assert.equal((await other.load("mesh"))?.resources[0]?.position(["spec"]).file, "mesh/a.yaml");
  });

  test("is of no use when there is none", async () => {
    const world = new World();
    world.sources = { resources: [], diagnostics: [fault("broken")] };
    const pipeline = world.pipeline(new LastGood(join(directory, "empty")));
    assert.equal(await pipeline.start({ useLastGood: true }), false);
  });
});
