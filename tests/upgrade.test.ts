// A new version of the server with new modules takes the place of the old one under load: no request is lost, the
// modules are exchanged, and the limits go on from where they were.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { request } from "undici";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { type FilterModule, loadModules, readModule } from "../server/policy/modules.ts";
import { type RunningServer, serve } from "../server/serve.ts";
import { connectEnvoy, host, sampleMesh, startLoad } from "./live-mesh.ts";
import { waitFor } from "./support/wait.ts";

const opened: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const end of opened.reverse()) await end();
});

const limit = `
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {name: upgrade, namespace: ficool}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: go-search-service}]
  limits: [{name: per-user, match: [{headers: {user: {}}}], key: [{header: user}], requests: 2, per: 1h}]
`;

/** The same module under another sha256: with a custom section more, which says nothing. */
function rebuilt({ name, bytes }: FilterModule): FilterModule {
  const label = Buffer.from("version");
  const section = Buffer.from([0, label.length + 1, label.length, ...label]);
  return readModule(name, Buffer.concat([bytes, section]));
}

test("server and modules are exchanged under load", { timeout: 120_000 }, async () => {
  const config = await mkdtemp(join(tmpdir(), "sluice-upgrade-"));
  opened.push(() => rm(config, { recursive: true, force: true }));
  await writeFile(join(config, "mesh.yaml"), await sampleMesh(opened));
  await writeFile(join(config, "limit.yaml"), limit);
  const loopback = { host: "127.0.0.1", port: 0 };
  const start = (modules: Record<string, FilterModule>, xds: number): Promise<RunningServer> =>
    serve({
      config,
      http: loopback,
      xds: { ...loopback, port: xds },
      listen: loopback,
      modules,
      logger: createLogger({ level: "silent" }),
    });

  const oldModules = loadModules(join(projectRoot, "build/filters"));
  const newModules = Object.fromEntries(
    Object.entries(oldModules).map(([name, one]) => [name, rebuilt(one)]),
  );
  assert.notEqual(newModules.rate_limit?.sha256, oldModules.rate_limit?.sha256);

  const first = await start(oldModules, 0);
  const envoy = await connectEnvoy(first.xdsPort, "upgraded");
  opened.push(() => envoy.stop());
  const status = async (): Promise<number> => {
    const answer = await request(`http://127.0.0.1:${envoy.port}/`, { headers: { host, user: "ann" } });
    await answer.body.dump();
    return answer.statusCode;
  };
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
  const updates = async (): Promise<number> => {
    const page = await envoy.admin("/stats?filter=extension_config_discovery.*rate_limit.*config_reload$");
    return Number(/: (\d+)/.exec(page)?.[1] ?? 0);
  };
  const before = await updates();

  const load = startLoad(envoy.port, 50);
  const { xdsPort } = first;
  await first.close();
  const second = await start(newModules, xdsPort);
  opened.push(() => second.close());
  await waitFor(
    "Envoy has the new server's version",
    () => {
      const [proxy] = second.proxies();
      return proxy !== undefined && proxy.version === second.state().version;
    },
    30_000,
  );
  await waitFor("the modules are exchanged", async () => (await updates()) > before, 30_000);
  const { sent, failures } = await load.stop();

  assert.deepEqual(failures, []);
  assert.ok(sent > 20, `only ${sent} requests were sent`);
  assert.equal(await status(), 429, "the bucket is as empty as it was");
});
