// etcd, kube-apiserver and istiod on loopback, on ports from the system; no kubelet and no other controllers.

import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { findEtcd } from "../../scripts/istio-lab.mjs";
import { freePorts } from "../../cli/up/free-ports.ts";
import { waitFor } from "../support/wait.ts";
import { KubeApi, objectsOf } from "./kube-api.ts";
import { type Program, startProgram, whileRunning } from "./program.ts";

export interface Kubernetes {
  api: KubeApi;
  kubeconfig: string;
  /** Kills the API server and starts it again; what it knew is in etcd. */
  restartApi(): Promise<void>;
  stop(): Promise<void>;
}

const adminToken = "admin-of-the-test";
const startMs = 120_000;

export async function startKubernetes(lab: string, directory: string): Promise<Kubernetes> {
  await mkdir(directory, { recursive: true });
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const started: Program[] = [];
  const stop = async (): Promise<void> => {
    for (const program of started.splice(0).reverse()) await program.stop();
  };
  const run = (name: string, command: string, args: string[]): Program => {
    const program = startProgram({ command, args, cwd: directory, logFile: join(directory, `${name}.log`) });
    started.push(program);
    return program;
  };
  try {
    const client = `http://127.0.0.1:${etcdPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    run("etcd", findEtcd(lab), [
      ...["--data-dir", "data", "--listen-client-urls", client, "--advertise-client-urls", client],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--unsafe-no-fsync"],
      ...["--initial-cluster", `default=${peer}`],
    ]);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await writeFile(join(directory, "sa.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
    await writeFile(join(directory, "tokens.csv"), `${adminToken},admin,admin,"system:masters"\n`);
    const apiArgs = [
      ...["--etcd-servers", client, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1"],
      ...["--secure-port", String(apiPort), "--cert-dir", "certs", "--external-hostname", "127.0.0.1"],
      ...["--service-cluster-ip-range", "10.96.0.0/16", "--endpoint-reconciler-type", "none"],
      ...["--service-account-issuer", "https://kubernetes.default.svc"],
      ...["--service-account-key-file", "sa.key", "--service-account-signing-key-file", "sa.key"],
      ...["--authorization-mode", "RBAC", "--token-auth-file", "tokens.csv"],
      ...["--disable-admission-plugins", "ServiceAccount"],
    ];
    const url = `https://127.0.0.1:${apiPort}`;
    const api = new KubeApi(url, adminToken);
    const isReady = async () => (await api.call("GET", "/readyz").catch(() => undefined))?.status === 200;
    const startApi = async (): Promise<Program> => {
      const program = run("kube-apiserver", join(lab, "bin", "kube-apiserver"), apiArgs);
      await waitFor("kube-apiserver is ready", isReady, startMs);
      return program;
    };
    let server = await startApi();
    const restartApi = async (): Promise<void> => {
      await server.kill();
      server = await startApi();
    };
    const kubeconfig = join(directory, "kubeconfig");
    await writeFile(kubeconfig, kubeconfigOf(url, adminToken));
    return { api, kubeconfig, restartApi, stop: () => api.close().then(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const kubeconfigOf = (server: string, token: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "user", user: { token } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "user" } }],
    "current-context": "lab",
  });

/** CRDs of `istio`, `gateway-api` or `envoy-gateway`, and waits until they are served. */
export async function applyCrds(api: KubeApi, lab: string, name: string): Promise<void> {
  const path = join(lab, "crds", name);
  const isFolder = !name.endsWith(".yaml") && statSync(path).isDirectory();
  const texts = isFolder
    ? readdirSync(path).map((file) => readFileSync(join(path, file), "utf8"))
    : [readFileSync(path, "utf8")];
  await applyDefinitions(api, texts.join("\n---\n"));
}

export async function applyDefinitions(api: KubeApi, text: string): Promise<void> {
  const definitions = objectsOf(text).filter((object) => object.kind === "CustomResourceDefinition");
  await api.apply(definitions);
  for (const definition of definitions) {
    await waitFor(`${definition.metadata.name} is served`, async () => {
      const { body } = await api.get(definition);
      const { conditions } = (body.status ?? {}) as {
        conditions?: { type: string; status: string }[] | null;
      };
      return (conditions ?? []).some(({ type, status }) => type === "Established" && status === "True");
    });
  }
}

export interface Istiod {
  /** Of xDS under TLS. */
  port: number;
  log(): Promise<string>;
  stop(): Promise<void>;
}

export async function startIstiod(lab: string, directory: string, kubernetes: Kubernetes): Promise<Istiod> {
  await mkdir(directory, { recursive: true });
  const { api, kubeconfig } = kubernetes;
  await api.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } }]);
  const [grpc, secure = 0, https, http = 0, monitoring] = await freePorts(5);
  const meshConfig = join(directory, "mesh.yaml");
  await writeFile(meshConfig, JSON.stringify(meshOf()));
  const at = (port: number | undefined): string => `127.0.0.1:${port}`;
  const program = startProgram({
    command: join(lab, "bin", "pilot-discovery"),
    args: [
      ...["discovery", "--kubeconfig", kubeconfig, "--meshConfig", meshConfig, "--registries", "Kubernetes"],
      ...["--grpcAddr", at(grpc), "--secureGRPCAddr", at(secure), "--httpsAddr", at(https)],
      ...["--httpAddr", at(http), "--monitoringAddr", at(monitoring), "--ctrlz_port", "0"],
    ],
    env: {
      // Filters that only Istio's own build of Envoy has.
      PILOT_ENABLE_METADATA_EXCHANGE: "false",
      PILOT_ENABLE_ALPN_FILTER: "false",
      POD_NAME: "istiod",
      POD_NAMESPACE: "istio-system",
      CLUSTER_ID: "Kubernetes",
      INJECT_ENABLED: "false",
      PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: "false",
    },
    cwd: directory,
    logFile: join(directory, "istiod.log"),
  });
  const isReady = async () =>
    (await fetch(`http://${at(http)}/ready`).catch(() => undefined))?.status === 200;
  await whileRunning(program, waitFor("istiod is ready", isReady, startMs));
  return { port: secure, log: program.log, stop: program.stop };
}

/** No metrics provider: the stats filter is of Istio's own build too. */
const meshOf = () => ({
  trustDomain: "cluster.local",
  accessLogFile: "",
  enablePrometheusMerge: false,
  enableAutoMtls: false,
  ingressControllerMode: "OFF",
  outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
  defaultProviders: {},
  defaultConfig: { tracing: {} },
});
