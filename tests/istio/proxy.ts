// pilot-agent with an official Envoy, as a gateway or as a sidecar without iptables. It is known to istiod by its
// labels and by an address of its own on loopback, which no endpoint may share.

import { existsSync, mkdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findEnvoy } from "../../envoy/find.ts";
import { freePorts } from "../../cli/up/free-ports.ts";
import { waitFor } from "../support/wait.ts";
import type { Istiod, Kubernetes } from "./control-plane.ts";
import { type Program, startProgram, whileRunning } from "./program.ts";

export interface ProxyOptions {
  name: string;
  namespace?: string;
  labels: Record<string, string>;
  /** Default: a gateway. */
  type?: "router" | "sidecar";
  /** Such as `127.0.9.1`. */
  address: string;
  /** Further fields of ProxyConfig, such as extraStatTags. */
  proxyConfig?: Record<string, unknown>;
  env?: NodeJS.ProcessEnv;
}

export interface IstioProxy {
  program: Program;
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

/** Where the agent keeps modules: a path that it has built in. */
const agentData = "/var/lib/istio/data";

export async function startProxy(
  lab: string,
  directory: string,
  kubernetes: Kubernetes,
  istiod: Istiod,
  options: ProxyOptions,
): Promise<IstioProxy> {
  const {
    name,
    namespace = "default",
    labels,
    type = "router",
    address,
    proxyConfig = {},
    env = {},
  } = options;
  makeAgentData();
  for (const folder of [
    "etc/istio/proxy",
    "etc/istio/pod",
    "var/run/secrets/tokens",
    "var/run/secrets/istio",
    "var/run/secrets/workload-spiffe-uds",
  ]) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  await writeCredentials(directory, kubernetes, namespace, name);
  const [admin = 0, status, ready, prometheus] = await freePorts(4);
  const { path: envoy } = await findEnvoy();
  const program = startProgram({
    command: join(lab, "bin", "pilot-agent"),
    args: [
      ...["proxy", type, "--domain", `${namespace}.svc.cluster.local`],
      ...["--templateFile", join(lab, "envoy_bootstrap.json"), "--proxyLogLevel", "warning,wasm:info"],
      ...["--log_output_level", "default:info,wasm:debug"],
    ],
    env: {
      POD_NAME: name,
      POD_NAMESPACE: namespace,
      INSTANCE_IP: address,
      SERVICE_ACCOUNT: name,
      ISTIO_META_CLUSTER_ID: "Kubernetes",
      ISTIO_META_MESH_ID: "cluster.local",
      ISTIO_META_WORKLOAD_NAME: name,
      ISTIO_META_ISTIO_VERSION: "1.31.0",
      ISTIO_METAJSON_LABELS: JSON.stringify(labels),
      ISTIO_META_UNPRIVILEGED_POD: "true",
      ISTIO_META_INTERCEPTION_MODE: "NONE",
      TRUST_DOMAIN: "cluster.local",
      JWT_POLICY: "third-party-jwt",
      ISTIOD_SAN: "istiod.istio-system.svc",
      ENVOY_STATUS_PORT: String(ready),
      ENVOY_PROMETHEUS_PORT: String(prometheus),
      PROXY_CONFIG: JSON.stringify({
        discoveryAddress: `127.0.0.1:${istiod.port}`,
        binaryPath: envoy,
        configPath: "./etc/istio/proxy",
        proxyAdminPort: admin,
        statusPort: status,
        concurrency: 1,
        drainDuration: "1s",
        terminationDrainDuration: "1s",
        ...proxyConfig,
      }),
      ...env,
    },
    cwd: directory,
    logFile: join(directory, "agent.log"),
  });
  const ask = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${admin}${path}`)).text();
  const isLive = async () => (await ask("/ready").catch(() => "")).startsWith("LIVE");
  await whileRunning(program, waitFor("pilot-agent's Envoy is live", isLive, 60_000));
  return { program, admin: ask, stop: program.stop };
}

function makeAgentData(): void {
  if (existsSync(agentData)) return;
  try {
    mkdirSync(agentData, { recursive: true });
  } catch {
    throw new Error(`pilot-agent keeps modules in ${agentData}: make this folder, writable for this user`);
  }
}

async function writeCredentials(
  directory: string,
  { api }: Kubernetes,
  namespace: string,
  name: string,
): Promise<void> {
  await api.apply([{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } }]);
  const request = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: ["istio-ca"], expirationSeconds: 86_400 },
  };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const { body } = await api.call("POST", path, request);
  const { token } = body.status as { token: string };
  const root = await waitFor("istiod's root certificate", async () => {
    const found = await api.get({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "istio-ca-root-cert", namespace },
    });
    return (found.body.data as Record<string, string> | undefined)?.["root-cert.pem"];
  });
  await writeFile(join(directory, "var/run/secrets/tokens/istio-token"), token);
  await writeFile(join(directory, "var/run/secrets/istio/root-cert.pem"), root);
}
