// `--sidecars`: an Envoy beside each sample service. The Envoy has the endpoint's port and the service one from the
// system, so that whoever calls the endpoint meets the sidecar; the service's own calls go out by the sidecar's
// other port.

import { setTimeout as delay } from "node:timers/promises";
import { bootstrapJson, type BootstrapOptions } from "../../envoy/bootstrap.ts";
import { startEnvoy, type StartOptions } from "../../envoy/process.ts";
import type { Logger } from "../../server/log.ts";
import { CannotStart, type RunningServer } from "../../server/serve.ts";
import { formatHostPort } from "../address.ts";
import { freePorts } from "./free-ports.ts";
import type { Instance } from "./samples.ts";

/** A sample service with the ports that it and its sidecar have. */
export interface Paired {
  /** The service: `port` is its own. */
  app: Instance & { outbound: number };
  /** As the folder has it: the sidecar's. */
  endpoint: Instance;
}

export async function pair(instances: readonly Instance[]): Promise<Paired[]> {
  const ports = await freePorts(instances.length * 2);
  return instances.map((endpoint, i) => ({
    endpoint,
    app: { ...endpoint, port: ports[2 * i] ?? 0, outbound: ports[2 * i + 1] ?? 0 },
  }));
}

interface Sidecars {
  close(): Promise<void>;
}

export type SidecarOptions = Pick<StartOptions, "binary" | "onOutput" | "onLog"> &
  Pick<BootstrapOptions, "xds" | "dimensions"> & { server: RunningServer; logger: Logger };

export async function startSidecars(pairs: readonly Paired[], options: SidecarOptions): Promise<Sidecars> {
  const started = await Promise.allSettled(pairs.map((one) => startOne(one, options)));
  const running = started.flatMap((s) => (s.status === "fulfilled" ? [s.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(running.map((envoy) => envoy.stop()));
  };
  try {
    for (const result of started) if (result.status === "rejected") throw result.reason;
    await untilSynced(pairs.map(nodeId), options.server);
  } catch (error) {
    await close();
    throw error instanceof CannotStart
      ? error
      : new CannotStart(error instanceof Error ? error.message : String(error));
  }
  return { close };
}

const nodeId = ({ endpoint: { service, version, port } }: Paired): string =>
  version === service ? `${service}:${port}` : `${service}-${version}:${port}`;

async function startOne(
  one: Paired,
  { server: _, logger, binary, onOutput, onLog, ...bootstrap }: SidecarOptions,
) {
  const { app, endpoint } = one;
  const outbound = { host: "127.0.0.1", port: app.outbound };
  const envoy = await startEnvoy({
    binary,
    concurrency: 1,
    config: bootstrapJson({
      ...bootstrap,
      nodeId: nodeId(one),
      metadata: {
        ROLE: "sidecar",
        NAMESPACE: endpoint.namespace,
        LABELS: { ...endpoint.labels },
        OUTBOUND: formatHostPort(outbound),
        INBOUND: [`${formatHostPort(endpoint)}=${formatHostPort(app)}`],
      },
      admin: { host: "127.0.0.1", port: 0 },
    }),
    ...(onOutput === undefined ? {} : { onOutput }),
    ...(onLog === undefined ? {} : { onLog }),
  });
  const fields = {
    event: "sidecar",
    node: nodeId(one),
    inbound: formatHostPort(endpoint),
    outbound: formatHostPort(outbound),
  };
  logger.info({ ...fields, admin: `127.0.0.1:${envoy.adminPort}` }, "sidecar started");
  return envoy;
}

const pollMs = 20;
const limitMs = 60_000;

async function untilSynced(ids: readonly string[], server: RunningServer): Promise<void> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await delay(pollMs)) {
    const proxies = server.proxies().filter(({ node }) => ids.includes(node.id));
    for (const { node, types } of proxies) {
      const refused = Object.values(types).find(({ state }) => state === "nacked");
      if (refused !== undefined) {
        throw new CannotStart(`the sidecar ${node.id} refuses the configuration: ${refused.error}`);
      }
    }
    if (proxies.length === ids.length && proxies.every(({ version }) => version !== "")) return;
  }
  throw new CannotStart(`the sidecars are not ready after ${limitMs / 1000} s`);
}
