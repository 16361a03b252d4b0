import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Command } from "commander";
import { findEnvoy } from "../envoy/find.ts";
import { register } from "./bootstrap.ts";

const run = promisify(execFile);

/** What the command prints. */
async function printed(...args: string[]): Promise<string> {
  let output = "";
  const write = process.stdout.write;
  process.stdout.write = (text: string | Uint8Array) => {
    output += text.toString();
    return true;
  };
  try {
    const program = new Command().exitOverride().configureOutput({ writeErr() {} });
    register(program);
    for (const command of program.commands) command.exitOverride().configureOutput({ writeErr() {} });
    await program.parseAsync(["bootstrap", ...args], { from: "user" });
  } finally {
    process.stdout.write = write;
  }
  return output;
}

test("Envoy accepts what it prints", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-bootstrap-"));
  try {
    const path = join(directory, "envoy.json");
    await writeFile(
      path,
      await printed("--server", "config.internal:18000", "--labels", "app=gateway, stage=prod"),
    );
    const { path: envoy } = await findEnvoy();
    const { stdout } = await run(envoy, ["--mode", "validate", "--config-path", path]);
    assert.match(stdout, /envoy\.json' OK/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("node, role, namespace, labels and admin come from the options", async () => {
  const options = ["--node", "edge-1", "--role", "sidecar", "--namespace", "shop", "--labels", "a=b=c,d="];
  const config = JSON.parse(
    await printed("--server", "10.0.0.5:18000", ...options, "--no-admin", "--no-stats-sink"),
  );
  assert.equal(config.node.id, "edge-1");
  const { STATS_LABELS: _, ...metadata } = config.node.metadata;
  assert.deepEqual(metadata, { ROLE: "sidecar", NAMESPACE: "shop", LABELS: { a: "b=c", d: "" } });
  assert.equal(config.admin, undefined);
  assert.equal(config.statsSinks, undefined);
  const [cluster] = config.staticResources.clusters;
  assert.deepEqual(cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress, {
    address: "10.0.0.5",
    portValue: 18000,
  });
});

test("a sidecar's ports", async () => {
  const options = ["--role", "sidecar", "--outbound", "15001"];
  const inbound = ["--inbound", "10.0.0.5:8080=8081", "--inbound", "10.0.0.5:9090=127.0.0.1:9091"];
  const config = JSON.parse(await printed("--server", "10.0.0.2:18000", ...options, ...inbound));
  const { OUTBOUND, INBOUND } = config.node.metadata;
  assert.equal(OUTBOUND, "127.0.0.1:15001");
  assert.deepEqual(INBOUND, ["10.0.0.5:8080=127.0.0.1:8081", "10.0.0.5:9090=127.0.0.1:9091"]);
});

test("the admin port is on loopback unless told otherwise", async () => {
  const addressWith = async (...options: string[]) =>
    JSON.parse(await printed("--server", "10.0.0.5:18000", ...options)).admin.address.socketAddress;
  assert.deepEqual(await addressWith(), { address: "127.0.0.1", portValue: 15000 });
  assert.deepEqual(await addressWith("--admin", "0.0.0.0:9901"), { address: "0.0.0.0", portValue: 9901 });
});

test("what cannot be read is refused with the form to write", async () => {
  const cases = [
    { args: [], says: /--server <host:port>/ },
    { args: ["--server", "nowhere"], says: /HOST:PORT/ },
    { args: ["--server", "a:1", "--labels", "app"], says: /KEY=VALUE/ },
    { args: ["--server", "a:1", "--role", "edge"], says: /gateway or sidecar/ },
    { args: ["--server", "a:1", "--inbound", "1:2"], says: /HOST:PORT=HOST:PORT/ },
    { args: ["--server", "a:1", "--inbound", "1=2"], says: /--inbound needs --outbound/ },
    { args: ["--server", "a:1", "--outbound", "1"], says: /write --role sidecar/ },
  ];
  for (const { args, says } of cases) await assert.rejects(printed(...args), says);
});

test("labels of dimensions become rules, and buckets are those of durations", async () => {
  const options = ["--dimension", "region", "--dimension", "plan", "--duration-buckets", "5,50,500"];
  const { statsConfig, node } = JSON.parse(await printed("--server", "127.0.0.1:18000", ...options));
  const regexes = new Map(
    statsConfig.statsTags.map((rule: { tagName: string; regex: string }) => [rule.tagName, rule.regex]),
  );
  assert.equal(regexes.get("region"), "^wasmcustom\\..*?(\\x1fregion=([^\\x1f]*))");
  // The metrics filter learns from the node's metadata which labels have rules.
  assert.equal(node.metadata.STATS_LABELS, [...regexes.keys()].join());
  assert.ok(regexes.has("plan") && regexes.has("virtual_host"));
  const buckets = statsConfig.histogramBucketSettings.map(
    (setting: { buckets: number[] }) => setting.buckets,
  );
  assert.deepEqual(buckets.at(-1), [5, 50, 500]);
});

test("what is no label and what does not rise is refused", async () => {
  await assert.rejects(printed("--server", "127.0.0.1:18000", "--dimension", "x-region"), /letters, digits/);
  await assert.rejects(printed("--server", "127.0.0.1:18000", "--duration-buckets", "5,5"), /rising/);
});
