// The sample services of a folder: one instance for every loopback endpoint with an HTTP port that a
// ServiceEntry of the folder names or selects, so that an example is a mesh with something behind it. They run
// in one worker thread: their work does not hold up the config server, and they end with the process.

import { isIP } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { projectRoot } from "../../envoy/root.ts";
import type { ServiceEntrySpec, WorkloadEntry } from "../../schema/generated/types.ts";
import { isHttp } from "../../server/istio/protocols.ts";
import { isIstio } from "../../server/istio/registry.ts";
import { Report } from "../../server/istio/report.ts";
import { instancesOf as endpointsOf } from "../../server/istio/workloads.ts";
import type { Resource } from "../../server/model.ts";
import { CannotStart } from "../../server/serve.ts";

export interface Instance {
  host: string;
  port: number;
  service: string;
  namespace: string;
  labels: Readonly<Record<string, string>>;
  /** Its `version` label, else the service's name. */
  version: string;
  /** Where its own calls go, on loopback; it makes none without. */
  outbound?: number;
}

export interface Samples {
  instances: readonly Instance[];
  close(): Promise<void>;
}

export function instancesOf(resources: readonly Resource[]): Instance[] {
  const found = new Map<string, Instance>();
  const workloads = resources.filter((r) => isIstio<WorkloadEntry>(r, "WorkloadEntry"));
  for (const resource of resources) {
    if (!isIstio<ServiceEntrySpec>(resource, "ServiceEntry")) continue;
    const endpoints = endpointsOf(resource, workloads, new Report()) ?? [];
    for (const { address: written, ports: own = {}, labels = {} } of endpoints) {
      const address = written === "localhost" ? "127.0.0.1" : written;
      if (!isLoopback(address)) continue;
      for (const declared of resource.spec.ports.filter(({ protocol }) => isHttp(protocol))) {
        const port = own[declared.name] ?? declared.targetPort ?? declared.number;
        const { name: service, namespace } = resource;
        const version = labels.version ?? service;
        const instance = { host: address, port, service, namespace, labels, version };
        found.set(`${address} ${port}`, instance);
      }
    }
  }
  return [...found.values()];
}

const isLoopback = (address: string): boolean =>
  isIP(address) === 4 ? address.startsWith("127.") : address === "::1";

/** Resolves when all instances listen. */
export async function startSamples(instances: readonly Instance[]): Promise<Samples> {
  if (instances.length === 0) return { instances, async close() {} };
  const worker = new Worker(join(projectRoot, "examples", "services", "instance.mjs"), {
    workerData: { instances },
  });
  const failures = await new Promise<(string | null)[]>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  const close = async (): Promise<void> => {
    await worker.terminate();
  };
  for (const [index, failure] of failures.entries()) {
    if (failure === null) continue;
    await close();
    throw new CannotStart(explain(instances[index], failure));
  }
  return { instances, close };
}

function explain(instance: Instance | undefined, failure: string): string {
  const { service = "?", version = "?", host = "?", port = 0 } = instance ?? {};
  const what = `sample service ${service} ${version} cannot listen on ${host}:${port}`;
  const remedy = "change the endpoint's port in the ServiceEntry, or use --no-sample-services";
  return failure === "EADDRINUSE"
    ? `${what}: port ${port} is taken; ${remedy}`
    : `${what}: ${failure}; ${remedy}`;
}
