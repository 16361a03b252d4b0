// A whole mesh for a test: a folder of YAML, the config server, echo services and a real Envoy, on free ports.

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Agent, type Dispatcher } from "undici";
import { bootstrapJson } from "../../envoy/bootstrap.ts";
import { findEnvoy } from "../../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../../envoy/process.ts";
import { projectRoot } from "../../envoy/root.ts";
import { createLogger } from "../../server/log.ts";
import type { ObservabilityOptions } from "../../server/istio/observability.ts";
import { loadModules } from "../../server/policy/modules.ts";
import { formatDiagnostics, InvalidConfiguration, type RunningServer, serve } from "../../server/serve.ts";
import { type Echo, type EchoService, startEcho } from "./echo.ts";
import { waitFor } from "./wait.ts";

export type Headers = Record<string, string | string[]> | string[];

export interface Answer {
  status: number;
  headers: Dispatcher.ResponseData["headers"];
  body: string;
  /** What reached the service; fails when no service answered. */
  echo(): Echo;
}

export interface RequestOptions {
  path?: string;
  method?: string;
  headers?: Headers;
  host?: string;
  /** Default: the mesh's listener. */
  port?: number;
}

export interface TestMesh {
  directory: string;
  server: RunningServer;
  envoy: EnvoyProcess;
  /** Of the mesh's listener. */
  port: number;
  services: Record<string, EchoService>;
  /** Writes a file of the folder and waits until the server has tried it. */
  write(file: string, text: string): Promise<void>;
  /**
   * As write, waits for the acknowledgement, which is the main thread's, and then until `holds` shows that the
   * one worker has followed.
   */
  apply(file: string, text: string, holds?: () => Promise<boolean>): Promise<void>;
  request(options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface MeshOptions {
  /** By file name; `{v1}` in a text is the port of the service v1. */
  files: Record<string, string>;
  services?: readonly string[];
  /** Labels of MetricsPolicy dimensions that the bootstrap knows. */
  dimensions?: readonly string[];
  /** Where Envoy runs: `region/zone/subzone`. */
  locality?: string;
  /** Push stats to the server. Default: false. */
  statsSink?: boolean;
  /** Access logs and traces. Default: none. */
  observability?: ObservabilityOptions;
  /** Each line of Envoy's standard output. */
  onOutput?: (line: string) => void;
  /** Worker threads. Default: 1. */
  concurrency?: number;
}

export async function startTestMesh(options: MeshOptions): Promise<TestMesh> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const services: Record<string, EchoService> = {};
    for (const version of options.services ?? ["v1", "v2", "v3"]) {
      const service = await startEcho(version);
      services[version] = service;
      opened.push(() => service.close());
    }
    const directory = await mkdtemp(join(tmpdir(), "sluice-mesh-"));
    opened.push(() => rm(directory, { recursive: true, force: true }));
    const put = async (file: string, text: string): Promise<void> => {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      const filled = text.replace(/\{(v\d+)\}/g, (_, name: string) => String(services[name]?.port));
      await writeFile(join(directory, file), filled);
    };
    for (const [file, text] of Object.entries(options.files)) await put(file, text);

    const any = { host: "127.0.0.1", port: 0 };
    const modules = loadModules(join(projectRoot, "build/filters"));
    const logger = createLogger({ level: "silent" });
    const { observability = {}, onOutput } = options;
    const ports = { http: any, xds: any, listen: any };
    const server = await serve({ config: directory, ...ports, modules, logger, observability });
    opened.push(() => server.close());
    const envoy = await startEnvoy({
      binary: await findEnvoy(),
      config: bootstrapJson({
        nodeId: "test",
        xds: { ...any, port: server.xdsPort },
        admin: any,
        statsSink: options.statsSink ?? false,
        dimensions: options.dimensions ?? [],
        ...(options.locality === undefined ? {} : { locality: options.locality }),
      }),
      concurrency: options.concurrency ?? 1,
      ...(onOutput === undefined ? {} : { onOutput }),
    });
    opened.push(() => envoy.stop());
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 20_000);
    const port = await waitFor("the listener", () => envoy.listenerPort("mesh").catch(() => undefined));
    const agent = new Agent({ connections: 8 });
    opened.push(() => agent.close());

    const write = async (file: string, text: string): Promise<void> => {
      await put(file, text);
      await server.rebuild();
    };
    const synced = (): boolean => {
      const [proxy] = server.proxies();
      return proxy !== undefined && proxy.version === server.wantedVersion(proxy.node);
    };
    return {
      directory,
      server,
      envoy,
      port,
      services,
      write,
      apply: async (file, text, holds) => {
        await write(file, text);
        await waitFor("Envoy has the new version", synced);
        if (holds !== undefined) await waitFor(`the worker follows: ${file}`, holds);
      },
      request: (request = {}) => ask(agent, request.port ?? port, request),
      close,
    };
  } catch (error) {
    await close();
    if (error instanceof InvalidConfiguration) error.message += `\n${formatDiagnostics(error.diagnostics)}`;
    throw error;
  }
}

export async function ask(
  agent: Agent,
  port: number,
  options: RequestOptions = {},
  address = "127.0.0.1",
): Promise<Answer> {
  const { path = "/", method = "GET", host = "go-search-service.ficool.svc.cluster.local" } = options;
  const pairs = flatten(options.headers ?? {});
  const response = await agent.request({
    origin: `http://${address}:${port}`,
    path,
    method: method as Dispatcher.HttpMethod,
    headers: ["host", host, ...pairs],
  });
  const body = await response.body.text();
  return {
    status: response.statusCode,
    headers: response.headers,
    body,
    echo: () => {
      if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${body}`);
      return JSON.parse(body) as Echo;
    },
  };
}

function flatten(headers: Headers): string[] {
  if (Array.isArray(headers)) return headers;
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, one]),
  );
}
