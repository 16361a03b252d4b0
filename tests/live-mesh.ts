// A mesh whose folder is edited while it serves: config server, echo services, one or more real Envoys of
// either protocol variant, and steady load that counts what failed.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { Agent, request } from "undici";
import { bootstrapJson } from "../envoy/bootstrap.ts";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { loadModules } from "../server/policy/modules.ts";
import { type RunningServer, serve } from "../server/serve.ts";
import type { Variant } from "../server/xds/protocol.ts";
import { startEcho } from "./support/echo.ts";
import { waitFor } from "./support/wait.ts";

export const host = "go-search-service.ficool.svc.cluster.local";

const loopback = { host: "127.0.0.1", port: 0 };

export interface LiveMesh {
  readonly directory: string;
  readonly server: RunningServer;
  /** Structured log lines of the server so far. */
  readonly log: readonly Record<string, unknown>[];
  /** The sample mesh with the ports of this test's services. */
  readonly meshYaml: string;
  /** Replaces a file at once, as editors do. */
  put(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Until the folder's present content has been tried and this proxy has it. */
  inSync(nodeId: string): Promise<void>;
  envoy(nodeId: string, options?: { variant?: Variant; runtime?: JsonObject }): Promise<LiveEnvoy>;
  close(): Promise<void>;
}

export interface LiveEnvoy extends EnvoyProcess {
  /** Of the mesh's listener. */
  port: number;
}

export async function startLiveMesh(): Promise<LiveMesh> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const directory = await mkdtemp(join(tmpdir(), "sluice-live-"));
    opened.push(() => rm(directory, { recursive: true, force: true }));
    const meshYaml = await sampleMesh(opened);
    await writeFile(join(directory, "mesh.yaml"), meshYaml);
    const { logger, log } = recordingLogger();
    const server = await serve({
      config: directory,
      http: loopback,
      xds: loopback,
      listen: loopback,
      modules: loadModules(join(projectRoot, "build", "filters")),
      logger,
    });
    opened.push(() => server.close());
    return {
      directory,
      server,
      log,
      meshYaml,
      put: (file, text) => replaceFile(join(directory, file), text),
      remove: (file) => rm(join(directory, file)),
      inSync: async (nodeId) => {
        await server.rebuild();
        await waitFor(`${nodeId} has ${server.state().version}`, () => hasVersion(server, nodeId));
      },
      envoy: async (nodeId, options = {}) => {
        const envoy = await connectEnvoy(server.xdsPort, nodeId, options);
        opened.push(() => envoy.stop());
        return envoy;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The examples' mesh over three echo services of this test. */
export async function sampleMesh(opened: (() => Promise<unknown>)[]): Promise<string> {
  let text = await readFile(join(projectRoot, "examples", "ficool", "mesh.yaml"), "utf8");
  for (const [version, port] of [
    ["v1", "18081"],
    ["v2", "18082"],
    ["v3", "18083"],
  ] as const) {
    const service = await startEcho(version);
    opened.push(() => service.close());
    text = text.replace(port, String(service.port));
  }
  return text;
}

/** Starts an Envoy and waits until it serves the mesh. */
export async function connectEnvoy(
  xdsPort: number,
  nodeId: string,
  { variant = "delta", runtime = {} }: { variant?: Variant; runtime?: JsonObject } = {},
): Promise<LiveEnvoy> {
  const config = bootstrapJson({
    nodeId,
    xds: { host: "127.0.0.1", port: xdsPort },
    admin: loopback,
    statsSink: false,
  }) as BootstrapJson;
  config.dynamicResources.adsConfig.apiType = variant === "delta" ? "DELTA_GRPC" : "GRPC";
  config.layeredRuntime.layers.push({ name: "test", staticLayer: runtime });
  const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 2 });
  try {
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 20_000);
    const port = await waitFor("the mesh's listener", () =>
      envoy.listenerPort("mesh").catch(() => undefined),
    );
    return { ...envoy, port };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}

interface BootstrapJson extends JsonObject {
  dynamicResources: { adsConfig: { apiType: string } };
  layeredRuntime: { layers: JsonObject[] };
}

/** An editor's way: a new file takes the old one's name. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

function hasVersion(server: RunningServer, nodeId: string): boolean {
  const proxy = server.proxies().find((one) => one.node.id === nodeId);
  return proxy?.version === server.state().version;
}

function recordingLogger(): { logger: ReturnType<typeof createLogger>; log: Record<string, unknown>[] } {
  const log: Record<string, unknown>[] = [];
  const stream = new PassThrough();
  stream.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString().split("\n")) if (line !== "") log.push(JSON.parse(line));
  });
  return { logger: createLogger({ stream, level: "debug" }), log };
}

export interface Load {
  /** Ends it when every request is answered. */
  stop(): Promise<{ sent: number; failures: readonly string[] }>;
}

export interface LoadOptions {
  host?: string;
  headers?: Record<string, string>;
  /** What is wrong with a good answer's body; undefined when nothing is. */
  check?: (body: string) => string | undefined;
}

/** Requests at an even rate, whatever the answers take. */
export function startLoad(port: number, perSecond: number, options: LoadOptions = {}): Load {
  const agent = new Agent({ connections: 50 });
  const headers = { host: options.host ?? host, ...options.headers };
  const failures: string[] = [];
  const waiting = new Set<Promise<void>>();
  let sent = 0;
  let isStopped = false;
  const one = async (): Promise<void> => {
    try {
      const answer = await request(`http://127.0.0.1:${port}/`, { dispatcher: agent, headers });
      const body = await answer.body.text();
      const fault =
        answer.statusCode === 200 ? options.check?.(body) : `status ${answer.statusCode}: ${body}`;
      if (fault !== undefined) failures.push(fault);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  const running = (async () => {
    const start = performance.now();
    while (!isStopped) {
      const due = ((performance.now() - start) / 1000) * perSecond;
      for (; sent < due; sent++) {
        const promise = one().finally(() => waiting.delete(promise));
        waiting.add(promise);
      }
      await delay(5);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await running;
      await Promise.all(waiting);
      await agent.close();
      return { sent, failures };
    },
  };
}

/** Which version of the service answers. */
export async function versionOf(port: number, headers: Record<string, string> = {}): Promise<string> {
  const answer = await request(`http://127.0.0.1:${port}/`, { headers: { host, ...headers } });
  const body = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}: ${body}`);
  return (JSON.parse(body) as { version: string }).version;
}

/** Values of Envoy's statistics by name. */
export async function stats(envoy: EnvoyProcess, filter: string): Promise<Record<string, number>> {
  const text = await envoy.admin(`/stats?filter=${encodeURIComponent(filter)}`);
  return Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(": "))
      .map(([name = "", value]) => [name, Number(value)]),
  );
}

/** No listener was replaced, changed or drained since this Envoy's start. */
export async function assertNothingDrained(envoy: LiveEnvoy): Promise<void> {
  const counts = await stats(
    envoy,
    "^listener_manager\\.(total_listeners_draining|total_filter_chains_draining|listener_stopped|listener_modified|listener_removed|listener_in_place_updated|lds\\.update_rejected)$",
  );
  assert.ok(Object.keys(counts).length >= 6, JSON.stringify(counts));
  for (const [name, value] of Object.entries(counts)) assert.equal(value, 0, name);
}

export const variants: readonly Variant[] = ["delta", "sotw"];

/** Whoever sends this header is steered by the policy. */
export const tester = { "x-tester": "1" };

/** A policy on the sample mesh's second route. */
export function testersPolicy(subset: string): string {
  return `
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: testers, namespace: ficool}
spec:
  targetRefs:
  - {group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: default_v1_v2}
  rules:
  - name: testers
    match: [{headers: {x-tester: {}}}]
    destination: {subset: ${subset}}
`;
}
