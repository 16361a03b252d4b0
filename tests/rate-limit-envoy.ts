// An Envoy with the rate limit filter alone before a direct response, and its configuration in a file that it
// watches (ECDS from the file system), so that policies are edited under load.

import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import type { RateLimitConfig } from "../schema/generated/types.ts";
import { waitFor } from "./support/wait.ts";

export interface LimitedEnvoy {
  envoy: EnvoyProcess;
  port: number;
  /** Replaces the configuration; resolves when the main thread has taken it. */
  configure(configuration: RateLimitConfig): Promise<void>;
  /** Resident memory in MB. */
  residentMb(): Promise<number>;
  close(): Promise<void>;
}

const ANY = { socket_address: { address: "127.0.0.1", port_value: 0 } };

/** `filters` in place of ours: for Envoy's own limits beside it. */
export async function startLimited(
  first: RateLimitConfig | { filters: unknown[] },
  options: { concurrency?: number; module?: string; routes?: unknown[] } = {},
): Promise<LimitedEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-limited-"));
  const file = join(folder, "rate_limit.json");
  const module = options.module ?? join(projectRoot, "build/filters/rate_limit.wasm");
  let version = 0;
  const put = async (configuration: RateLimitConfig): Promise<void> => {
    version += 1;
    await writeFile(`${file}.new`, JSON.stringify(ecds(configuration, module, `${version}`)));
    await rename(`${file}.new`, file);
  };
  const filters = "filters" in first ? first.filters : [slot(file, folder)];
  if (!("filters" in first)) await put(first);
  const envoy = await startEnvoy({
    binary: await findEnvoy(),
    config: bootstrap(filters, options.routes ?? [directRoute("all", "/")]),
    concurrency: options.concurrency ?? 4,
  });
  const close = async (): Promise<void> => {
    await envoy.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 30_000);
    const port = await waitFor("the listener", () => envoy.listenerPort("limited").catch(() => undefined));
    const taken = async (): Promise<number> => {
      const stats = await envoy.admin("/stats?filter=extension_config_discovery.*config_reload$");
      return Number(/config_reload: (\d+)/.exec(stats)?.[1] ?? 0);
    };
    return {
      envoy,
      port,
      configure: async (configuration) => {
        const before = await taken();
        await put(configuration);
        await waitFor("Envoy has taken the configuration", async () => (await taken()) > before, 20_000);
      },
      residentMb: async () => {
        const { readFile } = await import("node:fs/promises");
        const status = await readFile(`/proc/${envoy.pid}/status`, "utf8");
        return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function ecds(configuration: RateLimitConfig, module: string, version: string): unknown {
  const wasm = {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
    config: {
      name: "rate_limit",
      root_id: "rate_limit",
      failure_policy: "FAIL_RELOAD",
      configuration: {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        value: JSON.stringify(configuration),
      },
      vm_config: { vm_id: "sluice", runtime: "envoy.wasm.runtime.v8", code: { local: { filename: module } } },
    },
  };
  const resource = {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: "rate_limit",
    typed_config: wasm,
  };
  return { version_info: version, resources: [resource] };
}

function slot(file: string, folder: string): unknown {
  return {
    name: "rate_limit",
    config_discovery: {
      config_source: { path_config_source: { path: file, watched_directory: { path: folder } } },
      type_urls: ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
    },
  };
}

/** A route that Envoy answers itself. */
export function directRoute(name: string, prefix: string, more: object = {}): unknown {
  return {
    name,
    match: { prefix },
    direct_response: { status: 200, body: { inline_string: "ok" } },
    ...more,
  };
}

function bootstrap(filters: unknown[], routes: unknown[]): unknown {
  const router = {
    name: "envoy.filters.http.router",
    typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
  };
  const manager = {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "limited",
    codec_type: "AUTO",
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes }],
    },
    http_filters: [...filters, router],
  };
  return {
    node: { id: "test", cluster: "test" },
    admin: { address: ANY },
    static_resources: {
      listeners: [
        {
          name: "limited",
          address: ANY,
          filter_chains: [
            { filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] },
          ],
        },
      ],
    },
  };
}
