// A real Istio for a test: Kubernetes' API, istiod, a gateway, echo services and the server's modules by HTTP.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";
import { Agent } from "undici";
import { projectRoot } from "../../envoy/root.ts";
import { formatDiagnostic } from "../../schema/diagnostic.ts";
import { prepareLab } from "../../scripts/istio-lab.mjs";
import { filterRoutes } from "../../server/http/filters.ts";
import { registryRoutes } from "../../server/oci/registry.ts";
import { moduleUrls, type IstioOptions } from "../../server/render/istio/options.ts";
import { renderIstio } from "../../server/render/istio/render.ts";
import { loadModules } from "../../server/policy/modules.ts";
import type { Rendered } from "../../server/render/rendered.ts";
import { loadFolder } from "../../server/source/load.ts";
import { type EchoService, startEcho } from "../support/echo.ts";
import { type Answer, ask, type Headers } from "../support/mesh.ts";
import { freePorts } from "../../cli/up/free-ports.ts";
import { applyCrds, type Istiod, type Kubernetes, startIstiod, startKubernetes } from "./control-plane.ts";
import { type KubeObject, objectsOf } from "./kube-api.ts";
import { startProxy, type IstioProxy, type ProxyOptions } from "./proxy.ts";
import { writeFolder } from "./folder.ts";

export interface Lab {
  directory: string;
  /** The folder of programs and CRDs. */
  tools: string;
  kubernetes: Kubernetes;
  istiod: Istiod;
  services: Record<string, EchoService>;
  /** `http://127.0.0.1:PORT/filters` */
  modulesUrl: string;
  /** Ports from the system that nobody else got here. */
  ports(count: number): Promise<number[]>;
  proxy(options: ProxyOptions): Promise<IstioProxy>;
  /** YAML with `{v1}` for the port of the service v1, applied as it is. */
  apply(yaml: string): Promise<void>;
  /** The same, rendered for Istio first: what `sluice render` writes, and what of the folder it leaves alone. */
  render(yaml: string, options?: Partial<IstioOptions>): Promise<Rendered>;
  /** Renders, fails on any error, and applies what was rendered; gives its objects, to be removed again. */
  put(yaml: string, options?: Partial<IstioOptions>): Promise<KubeObject[]>;
  request(port: number, options?: RequestOptions): Promise<Answer>;
  /** At another address of loopback. */
  requestAt(address: string, port: number, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface RequestOptions {
  path?: string;
  method?: string;
  host?: string;
  headers?: Headers;
}

export interface LabOptions {
  services?: readonly string[];
  crds?: readonly string[];
  /** Without istiod only the API server runs. */
  istiod?: boolean;
}

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const { services: names = ["v1", "v2", "v3"], crds = ["istio.yaml", "gateway-api"] } = options;
  const tools = prepareLab();
  const opened: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const directory = await mkdtemp(join(tmpdir(), "sluice-istio-"));
    opened.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const services: Record<string, EchoService> = {};
    for (const name of names) {
      const service = await startEcho(name);
      services[name] = service;
      opened.push(() => service.close());
    }
    const modules = loadModules(join(projectRoot, "build/filters"));
    const http = await serveModules(modules);
    opened.push(() => new Promise((resolve) => http.server.close(resolve)));
    const kubernetes = await startKubernetes(tools, join(directory, "kubernetes"));
    opened.push(() => kubernetes.stop());
    for (const name of crds) await applyCrds(kubernetes.api, tools, name);
    const istiod =
      options.istiod === false
        ? { port: 0, log: async () => "", stop: async () => {} }
        : await startIstiod(tools, join(directory, "istiod"), kubernetes);
    opened.push(() => istiod.stop());
    const agent = new Agent({ connections: 8 });
    opened.push(() => agent.close());
    const modulesUrl = `http://127.0.0.1:${http.port}/filters`;
    const filled = (yaml: string): string => fill(yaml, services);
    const lab: Lab = {
      directory,
      tools,
      kubernetes,
      istiod,
      services,
      modulesUrl,
      ports: freePorts,
      close,
      async proxy(proxyOptions) {
        const home = join(directory, `proxy-${proxyOptions.name}`);
        const proxy = await startProxy(tools, home, kubernetes, istiod, proxyOptions);
        opened.push(() => proxy.stop());
        return proxy;
      },
      apply: (yaml) => kubernetes.api.apply(filled(yaml)),
      async render(yaml, overrides = {}) {
        const folder = await writeFolder(directory, filled(yaml));
        const { resources, diagnostics } = await loadFolder(folder);
        const rendered = renderIstio(
          { directory: folder, resources, modules },
          { ...defaults, ...moduleUrls(modulesUrl, "test"), ...overrides },
        );
        return { ...rendered, diagnostics: [...diagnostics, ...rendered.diagnostics] };
      },
      async put(yaml, overrides) {
        const { files, diagnostics } = await lab.render(yaml, overrides);
        const errors = diagnostics.filter((d) => d.severity === "error").map(formatDiagnostic);
        if (errors.length > 0) throw new Error(errors.join("\n"));
        const objects = files.flatMap(({ text }) => objectsOf(text));
        await kubernetes.api.apply(objects);
        return objects;
      },
      request: (port, request) => ask(agent, port, request),
      requestAt: (address, port, request) => ask(agent, port, request, address),
    };
    return lab;
  } catch (error) {
    await close();
    throw error;
  }
}

export const defaults: Omit<IstioOptions, "moduleUrl" | "digest"> = {
  resource: "WasmPlugin",
  namespace: "istio-system",
  labels: {},
  phase: undefined,
  priority: 100,
  imagePullSecret: undefined,
  mode: undefined,
  suite: false,
};

const fill = (yaml: string, services: Record<string, EchoService>): string =>
  yaml.replace(/\{(v\d+)\}/g, (_, name: string) => String(services[name]?.port));

async function serveModules(
  modules: ReturnType<typeof loadModules>,
): Promise<{ server: ServerType; port: number }> {
  const app = new Hono().route("/filters", filterRoutes(modules)).route("/", registryRoutes(modules, "1"));
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve({ server, port }),
    );
  });
}
