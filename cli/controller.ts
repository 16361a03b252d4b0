// `sluice controller`: the policies of a Kubernetes API, carried into its Istio.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { type IstioOptions, moduleUrls, phases, resources } from "../server/render/istio/options.ts";
import { loadModules } from "../server/snapshot.ts";
import { version } from "./version.ts";

interface ControllerOptions {
  kubeconfig?: string;
  moduleUrl: string;
  resource: IstioOptions["resource"];
  namespace: string;
  phase?: IstioOptions["phase"];
  priority: string;
  imagePullSecret?: string;
  suite?: boolean;
  leaseNamespace: string;
  leaseSeconds: string;
}

const examples = `
Examples:
  $ kubectl apply --server-side -f deploy/kubernetes/crds.yaml -f deploy/kubernetes/controller.yaml
  $ sluice controller --kubeconfig ~/.kube/config     from outside the cluster

It keeps a WasmPlugin for each filter in Istio's root namespace, names and derived routes in the VirtualServices
that policies refer to, and the conditions Accepted and Programmed of each policy. Of several only one writes.`;

export function register(program: Command): void {
  program
    .command("controller")
    .summary("carry the policies of a Kubernetes API into its Istio")
    .description(
      "Watches policies, VirtualServices, DestinationRules, Gateways, ServiceEntries and Services in a Kubernetes " +
        "API, and keeps what Istio needs for the policies up to date by server-side apply.",
    )
    .option("--kubeconfig <file>", "how to reach the API; default: as in a Pod, else $KUBECONFIG")
    .option(
      "--module-url <url>",
      "where proxies fetch the modules: http(s)://HOST/filters, oci://REGISTRY/REPOSITORY or file:///DIR",
      "http://sluice.sluice-system.svc.cluster.local:8080/filters",
    )
    .addOption(new Option("--resource <kind>", "the kind to write").choices(resources).default("WasmPlugin"))
    .option("--namespace <name>", "of the plugins: Istio's root namespace", "istio-system")
    .addOption(
      new Option("--phase <phase>", "before which of Istio's filters; default: after all").choices(phases),
    )
    .option("--priority <number>", "of the first filter; each further one has the next lower", "100")
    .option("--image-pull-secret <name>", "Secret for the registry of --module-url")
    .option("--suite", "all filters in one plugin, by suite.wasm")
    .option("--lease-namespace <name>", "of the Lease that the leader holds", "sluice-system")
    .option("--lease-seconds <number>", "how long a leader that says nothing is waited for", "15")
    .addHelpText("after", examples)
    .action(run);
}

async function run(options: ControllerOptions): Promise<void> {
  const durationSeconds = Number(options.leaseSeconds);
  if (!Number.isInteger(durationSeconds) || durationSeconds < 2)
    throw new Error("--lease-seconds is at least 2");
  const logger = createLogger();
  // The client for Kubernetes is large, and no other command needs it.
  const { startController } = await import("../server/controller/controller.ts");
  const controller = await startController({
    kubeconfig: options.kubeconfig,
    modules: loadModules(join(projectRoot, "build/filters")),
    istio: {
      resource: options.resource,
      namespace: options.namespace,
      labels: {},
      mode: undefined,
      suite: options.suite === true,
      phase: options.phase,
      priority: Number(options.priority),
      imagePullSecret: options.imagePullSecret,
      ...moduleUrls(options.moduleUrl, version),
    },
    lease: {
      namespace: options.leaseNamespace,
      name: "sluice-controller",
      identity: `${hostname()}_${randomUUID()}`,
      durationSeconds,
      renewMs: (durationSeconds * 1_000) / 5,
    },
    logger,
  });
  logger.info({ event: "ready", version }, "watching");
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await controller.stop();
}
