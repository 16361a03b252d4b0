// Nobody dodges a policy by the size of a request: whatever surrounds the header that decides, the decision is
// the same as for the small request, or the answer is 431. In host/ and in an Envoy that lets large headers in.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Pair } from "../host/index.ts";
import { bootstrapFor, listenersFile } from "./cases/envoy-config.ts";
import type { CaseRoute } from "./cases/format.ts";
import { neededCapabilities } from "./cases/in-node.ts";
import { send, Upstream } from "./cases/wire.ts";

const wasm = join(projectRoot, "build", "filters", "header_routing.wasm");
const kib = 1024;

/** The header decides; the response says who decided. */
const configuration = (arenaKiB?: number) =>
  JSON.stringify({
    policies: [
      {
        name: "ns/p",
        rules: [
          { name: "insiders", match: [{ headers: { uid: { exact: "0" } } }], destination: { subset: "v3" } },
        ],
      },
    ],
    ...(arenaKiB === undefined ? {} : { arenaKiB }),
  });

const routeTo = (destination: string): CaseRoute => ({
  name: "base",
  virtualHost: "cases",
  domains: ["*"],
  prefix: "/",
  path: undefined,
  headers: destination === "" ? {} : { "x-sluice-destination": `base/${destination}` },
  cluster: destination === "" ? "base" : destination,
  metadata: {},
  remove: ["x-sluice-destination"],
});

const repeat = (count: number, make: (index: number) => Pair): Pair[] =>
  Array.from({ length: count }, (_, index) => make(index));

const paddings: readonly [name: string, pairs: readonly Pair[]][] = [
  ["nothing", []],
  ["1,000 headers", repeat(1_000, (index) => [`x-pad-${index}`, "v"])],
  ["100 cookies", repeat(100, (index) => ["cookie", `c${index}=${"v".repeat(50)}`])],
  ["one header of 50 KiB", [["x-large", "l".repeat(50 * kib)]]],
  ["100 KiB in 100 headers", repeat(100, (index) => [`x-pad-${index}`, "l".repeat(kib)])],
  ["127 KiB, beside the arena's limit", repeat(127, (index) => [`x-pad-${index}`, "l".repeat(kib)])],
  ["200 KiB in one header", [["x-large", "l".repeat(200 * kib)]]],
  ["1 MiB", repeat(1_024, (index) => [`x-pad-${index}`, "l".repeat(kib)])],
  ["5 MiB", repeat(80, (index) => [`x-pad-${index}`, "l".repeat(64 * kib)])],
  ["10,000 headers", repeat(10_000, (index) => [`h${index}`, "v"])],
];

/** Where the deciding header stands among the others. */
const places: readonly [name: string, put: (pairs: readonly Pair[]) => Pair[]][] = [
  ["first", (pairs) => [["uid", "0"], ...pairs]],
  ["last", (pairs) => [...pairs, ["uid", "0"]]],
];

describe("in host/", () => {
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(await readFile(wasm));
  });
  for (const arenaKiB of [undefined, 16, 1024]) {
    test(`an arena of ${arenaKiB ?? "128 (default)"} KiB: v3 or 431, and memory stays`, () => {
      const host = new Host({ module, capabilities: neededCapabilities(module) });
      assert.ok(host.configure(configuration(arenaKiB)).ok);
      const [worker] = host.workers;
      const memoryBytes = worker.memoryBytes;
      const found = new Set<string>();
      for (const [name, pairs] of paddings) {
        for (const [place, put] of places) {
          const pseudo: Pair[] = [
            [":authority", "a"],
            [":path", "/"],
            [":method", "GET"],
            [":scheme", "http"],
          ];
          const stream = worker.request({
            headers: [...pseudo, ...put(pairs)],
            route: { name: "base", virtualHost: "cases" },
          });
          const { headers, localReply } = stream.requestHeaders();
          const sent = headers.find((pair) => pair[0] === "x-sluice-destination")?.[1];
          const outcome = localReply === undefined ? sent : String(localReply.status);
          const tooLarge = outcome === "431" && pairs.length > 0;
          assert.ok(outcome === "base/v3" || tooLarge, `${name}, ${place}: ${outcome}`);
          found.add(outcome);
          stream.end();
        }
      }
      assert.deepEqual([...found].sort(), ["431", "base/v3"]);
      assert.equal(worker.memoryBytes, memoryBytes);
    });
  }
});

describe("in Envoy, with max_request_headers_kb at its largest", () => {
  const upstream = new Upstream();
  let directory: string;
  let envoy: EnvoyProcess;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-size-"));
    const lds = join(directory, "lds.json");
    const module = await compileModule(await readFile(wasm));
    const listener = {
      name: "large",
      wasm,
      configuration: configuration(),
      rootId: "",
      capabilities: neededCapabilities(module),
      routes: [routeTo("v3"), routeTo("")],
      maxRequestHeadersKb: 8192,
    };
    await writeFile(`${lds}.new`, JSON.stringify(listenersFile([listener], "1")));
    await rename(`${lds}.new`, lds);
    const config = bootstrapFor(lds, ["v3", "base"], await upstream.listen());
    envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
    while (!(await envoy.admin("/ready")).startsWith("LIVE")) await delay(10);
  });
  after(async () => {
    await envoy?.stop();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  });

  for (const [name, pairs] of paddings) {
    for (const [place, put] of places) {
      test(`${name}, the deciding header ${place}`, async () => {
        upstream.seen = [];
        const port = await envoy.listenerPort("large");
        const headers: Pair[] = [["host", "a"], ...put(pairs)];
        const { status } = await send(port, { line: "GET / HTTP/1.1", headers, body: "" });
        const cluster = upstream.seen[0]?.headers.find((pair) => pair[0] === "x-case-cluster")?.[1];
        const outcome = status === 200 ? cluster : String(status);
        assert.ok(outcome === "v3" || (outcome === "431" && pairs.length > 0), `${outcome}`);
      });
    }
  }
});
