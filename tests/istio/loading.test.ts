// How modules come to a proxy, and what users see when they do not: http, oci and file, as WasmPlugin and as
// TrafficExtension; a wrong checksum, a module that is not there, a refused configuration, a trap.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../../envoy/root.ts";
import { version } from "../../cli/version.ts";
import { moduleUrls } from "../../server/render/istio/options.ts";
import { waitFor } from "../support/wait.ts";
import type { KubeObject } from "./kube-api.ts";
import { type Lab, startLab } from "./lab.ts";
import { startProgram } from "./program.ts";
import type { IstioProxy } from "./proxy.ts";
import { shop, shopRoutes } from "./shop.ts";
import { trappingModule } from "./trapping.ts";

const run = promisify(execFile);
const release = (name: string) => join(projectRoot, "build/filters", `${name}.wasm`);

let lab: Lab;
let gateway: IstioProxy;
let port: number;
let base: string;

before(async () => {
  lab = await startLab();
  [port = 0] = await lab.ports(1);
  base = `${shop(port)}---${shopRoutes}---\n`;
  await lab.apply(base);
  gateway = await lab.proxy({ name: "gw", labels: { istio: "gw" }, address: "127.0.9.1" });
  await waitFor("the gateway serves", async () => (await status("/").catch(() => 0)) === 200, 30_000);
});
after(() => lab?.close());

const applied: KubeObject[] = [];

afterEach(async () => {
  await lab.kubernetes.api.remove(applied.splice(0));
  await lab.apply(base);
  const isGone = async () =>
    !(await gateway.admin("/config_dump")).includes("default.probe") &&
    !(await gateway.admin("/config_dump")).includes("sluice-");
  await waitFor("the filters are gone", isGone, 30_000);
});

const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
  (await lab.request(port, { path, host: "shop.example", headers })).status;

const down = `
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: down, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: orders}]
  faults: [{name: down, percentage: 100, abort: {httpStatus: 418}, match: [{headers: {x-fault: {}}}]}]
`;

const acts = async () =>
  (await status("/orders", { "x-fault": "1" })) === 418 && (await status("/orders")) === 200;

test("by http, as a TrafficExtension too", async () => {
  applied.push(...(await lab.put(base + down, { resource: "TrafficExtension" })));
  assert.ok(applied.some(({ kind }) => kind === "TrafficExtension"));
  await waitFor("the filter acts", acts, 60_000);
});

test("from a file that the proxy has", async () => {
  const folder = join(lab.directory, "modules");
  await mkdir(folder);
  await copyFile(release("fault"), join(folder, "fault.wasm"));
  applied.push(...(await lab.put(base + down, moduleUrls(`file://${folder}`, ""))));
  await waitFor("the filter acts", acts, 60_000);
});

/** What `crane`, the registries' own tool, finds in an image. */
async function assertCraneReads(image: string): Promise<void> {
  const crane = join(lab.tools, "bin/crane");
  await run(crane, ["validate", "--remote", image]);
  const exported = await run(crane, ["export", image, "-"], { encoding: "buffer", maxBuffer: 2 ** 24 });
  const tar = join(lab.directory, "exported.tar");
  await writeFile(tar, exported.stdout);
  const file = await run("tar", ["-xOf", tar, "plugin.wasm"], { encoding: "buffer", maxBuffer: 2 ** 24 });
  assert.deepEqual(file.stdout, await readFile(release("fault")));
}

test("from our server, as an OCI image", async () => {
  const { host } = new URL(lab.modulesUrl);
  await assertCraneReads(`${host}/sluice/fault:1`);
  applied.push(...(await lab.put(base + down, moduleUrls(`oci://${host}/sluice`, "1"))));
  await waitFor("the filter acts", acts, 60_000);
});

test("from a registry, where `sluice push` puts it", async () => {
  const [registryPort = 0] = await lab.ports(1);
  const registry = startProgram({
    command: join(lab.tools, "bin/registry"),
    args: ["-port", String(registryPort)],
    cwd: lab.directory,
    logFile: join(lab.directory, "registry.log"),
  });
  try {
    const host = `127.0.0.1:${registryPort}`;
    const isUp = async () => (await fetch(`http://${host}/v2/`).catch(() => undefined))?.status === 200;
    await waitFor("the registry answers", isUp);
    const main = join(projectRoot, "cli/main.ts");
    const { stdout } = await run(
      process.execPath,
      ["--import", "tsx", main, "push", `${host}/team/filters:2`, "--filter", "fault"],
      { cwd: projectRoot },
    );
    await assertCraneReads(stdout.trim());
    applied.push(...(await lab.put(base + down, moduleUrls(`oci://${host}/team/filters`, "2", version))));
    await waitFor("the filter acts", acts, 60_000);
  } finally {
    await registry.stop();
  }
});

test("all filters in one plugin", async () => {
  const others = `---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: limit, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: orders}]
  limits: [{name: per-user, key: [{header: uid}], requests: 1, per: 1h}]
---
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: canary, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  rules: [{name: insiders, match: [{headers: {x-group: {exact: insider}}}], destination: {subset: v3}}]
---
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {name: all, namespace: default}
spec: {}
`;
  applied.push(...(await lab.put(base + down + others, { suite: true })));
  assert.deepEqual(
    applied.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ["WasmPlugin sluice-suite", "VirtualService shop"],
  );
  const faults = async () => (await status("/orders", { "x-fault": "1", uid: crypto.randomUUID() })) === 418;
  await waitFor("faults act", faults, 60_000);
  const headers = { "x-group": "insider" };
  const isRouted = async () =>
    (await lab.request(port, { path: "/", host: "shop.example", headers })).body.includes('"version":"v3"');
  await waitFor("requests are routed", isRouted, 30_000);
  assert.deepEqual(
    [await status("/orders", { uid: "a" }), await status("/orders", { uid: "a" })],
    [200, 429],
  );
  assert.match(await gateway.admin("/stats/prometheus"), /sluice_requests_total/);
});

/** As rendered, on the gateway, with one thing wrong. */
const probe = (spec: Record<string, unknown>): KubeObject => ({
  apiVersion: "extensions.istio.io/v1alpha1",
  kind: "WasmPlugin",
  metadata: { name: "probe", namespace: "default" },
  spec: { selector: { matchLabels: { istio: "gw" } }, failStrategy: "FAIL_RELOAD", ...spec },
});

async function apply(object: KubeObject): Promise<void> {
  applied.push(object);
  await lab.kubernetes.api.apply([object]);
}

const faultConfiguration = (httpStatus: number) => ({
  policies: [{ name: "default/probe", faults: [{ name: "down", percentage: 100, abort: { httpStatus } }] }],
});

const seen = (text: string) => async () => (await gateway.program.log()).includes(text);

test("a wrong sha256 denies requests with 403, the agent's log names both checksums", async () => {
  const wrong = "0".repeat(64);
  const url = `${lab.modulesUrl}/fault.wasm`;
  await apply(probe({ url, sha256: wrong, pluginConfig: faultConfiguration(418) }));
  await waitFor("requests are denied", async () => (await status("/")) === 403, 60_000);
  await waitFor("the log tells", seen(`has checksum`), 10_000);
});

test("a module that is not there denies requests with 403, the log names its URL", async () => {
  const url = `${lab.modulesUrl}/no_such_filter.wasm`;
  await apply(probe({ url, pluginConfig: faultConfiguration(418) }));
  await waitFor("requests are denied", async () => (await status("/")) === 403, 60_000);
  await waitFor("the log tells", seen(url), 10_000);
});

test("a refused configuration: 500 if it is the first one, else the old one goes on; the log tells path and byte", async () => {
  const url = `${lab.modulesUrl}/fault.wasm`;
  await apply(probe({ url, pluginConfig: { policys: [] } }));
  await waitFor("requests fail", async () => (await status("/")) === 500, 60_000);
  await waitFor("the log tells", seen("policys"), 10_000);
  await apply(probe({ url, pluginConfig: faultConfiguration(418) }));
  await waitFor("a good one acts", async () => (await status("/")) === 418, 30_000);
  await apply(probe({ url, pluginConfig: faultConfiguration(99) }));
  await waitFor("the log tells", seen("abort.httpStatus: byte 47: not between 200 and 599"), 30_000);
  assert.equal(await status("/"), 418);
});

test("a trap answers 503 to its request, and the filter recovers", async () => {
  const bytes = trappingModule();
  const file = join(lab.directory, "trapping.wasm");
  await writeFile(file, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await apply(probe({ url: `file://${file}`, sha256 }));
  const isLoaded = async () => (await gateway.admin("/config_dump")).includes("trapping.wasm");
  await waitFor("the module is there", isLoaded, 30_000);
  const answers: number[] = [];
  const trapped = async (): Promise<boolean> => {
    answers.push(await status("/"));
    return answers.at(-1) === 503;
  };
  await waitFor("a request traps", trapped, 30_000);
  await waitFor("it recovers", async () => (await status("/")) === 200, 30_000);
  await waitFor("the log tells", seen("unreachable"), 10_000);
});
