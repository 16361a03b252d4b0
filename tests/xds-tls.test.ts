// Proxies on other machines: the xDS port under TLS with certificates on both sides, as `sluice bootstrap` sets it up.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { type RunningServer, serve } from "../server/serve.ts";
import { authority } from "./support/certificates.ts";
import { waitFor } from "./support/wait.ts";

const run = promisify(execFile);
const opened: (() => Promise<unknown>)[] = [];
let directory = "";
let server: RunningServer;
const file = (name: string) => join(directory, name);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-tls-"));
  opened.push(() => rm(directory, { recursive: true, force: true }));
  const own = await authority("servers");
  const proxies = await authority("proxies");
  const pairs = {
    server: await own.issue({ name: "localhost" }),
    edge: await proxies.issue({ name: "edge" }),
  };
  await writeFile(file("servers.pem"), own.ca);
  await writeFile(file("proxies.pem"), proxies.ca);
  for (const [name, { certificate, key }] of Object.entries(pairs)) {
    await writeFile(file(`${name}.pem`), certificate);
    await writeFile(file(`${name}.key`), key);
  }
  const loopback = { host: "127.0.0.1", port: 0 };
  const tls = { certificate: file("server.pem"), key: file("server.key"), clientCa: file("proxies.pem") };
  const config = join(projectRoot, "examples/ficool");
  const logger = createLogger({ level: "silent" });
  server = await serve({ config, http: loopback, xds: loopback, listen: loopback, modules: {}, logger, tls });
  opened.push(() => server.close());
});
after(async () => {
  for (const end of opened.reverse()) await end();
});

async function connect(node: string, ...more: string[]): Promise<EnvoyProcess> {
  const main = join(projectRoot, "cli/main.ts");
  const args = [
    "bootstrap",
    "--node",
    node,
    "--server",
    `localhost:${server.xdsPort}`,
    "--admin",
    "0",
    ...more,
  ];
  const { stdout } = await run(process.execPath, ["--import", "tsx", main, ...args], { cwd: projectRoot });
  const envoy = await startEnvoy({ binary: await findEnvoy(), config: JSON.parse(stdout), concurrency: 1 });
  opened.push(() => envoy.stop());
  return envoy;
}

const connectedNodes = () => server.proxies().map(({ node }) => node.id);

test("a proxy that the authority knows is served, others are not", async () => {
  const ca = ["--server-ca", file("servers.pem")];
  await connect("edge", ...ca, "--client-cert", file("edge.pem"), "--client-key", file("edge.key"));
  await waitFor(
    "the proxy is in sync",
    () => server.proxies()[0]?.version === server.state().version,
    20_000,
  );

  const stranger = await connect("stranger", ...ca);
  await waitFor(
    "it has tried more than once",
    async () => {
      const stats = await stranger.admin("/stats?filter=^cluster.sluice_xds.upstream_cx_total$");
      return Number(/: (\d+)/.exec(stats)?.[1]) > 1;
    },
    20_000,
  );
  assert.deepEqual(connectedNodes(), ["edge"]);
});

test("a server that another authority signed is not believed", async () => {
  const wary = await connect(
    "wary",
    ...[
      "--server-ca",
      file("proxies.pem"),
      "--client-cert",
      file("edge.pem"),
      "--client-key",
      file("edge.key"),
    ],
  );
  await waitFor(
    "the certificate is refused",
    async () => {
      const stats = await wary.admin("/stats?filter=^cluster.sluice_xds.ssl.fail_verify_error$");
      return Number(/: (\d+)/.exec(stats)?.[1]) > 0;
    },
    20_000,
  );
  assert.ok(!connectedNodes().includes("wary"));
});
