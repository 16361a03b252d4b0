// The controller: watches, and once something has changed brings plugins, VirtualServices and conditions up to date.
// What it knows is in the API: a restart, or another that takes the lead, goes on from there. Only the previous version
// of a policy that is at fault is remembered by the process itself.

import type { FilterModule } from "../policy/modules.ts";
import type { PolicyState } from "../policy/attach.ts";
import type { Logger } from "../log.ts";
import type { IstioOptions } from "../render/istio/options.ts";
import { managed } from "../render/istio/plugins.ts";
import { createStages } from "../stages.ts";
import { Cluster, messageOf, policyKinds, watchedKinds } from "./cluster.ts";
import { Lease, type LeaseOptions } from "./lease.ts";
import type { KubeObject } from "./objects.ts";
import { type Desired, desiredState } from "./reconcile.ts";
import { type Finding, newConditions } from "./status.ts";

export interface ControllerOptions {
  kubeconfig: string | undefined;
  modules: Record<string, FilterModule>;
  istio: IstioOptions;
  lease: LeaseOptions;
  logger: Logger;
}

export interface Controller {
  readonly isLeader: boolean;
  /** Resolves when the next round has ended. */
  stop(): Promise<void>;
}

/** Changes come in bursts. */
const settleMs = 100;
/** What somebody else has changed of ours is put right at the latest then. */
const resyncMs = 30_000;

export async function startController(options: ControllerOptions): Promise<Controller> {
  const { kubeconfig, modules, istio, logger } = options;
  const cluster = new Cluster(kubeconfig, logger);
  const stages = createStages({ listen: { host: "127.0.0.1", port: 0 }, modules, delivery: "inline" });
  let previous: readonly PolicyState[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();

  const check = async (filter: string, configuration: string): Promise<string | undefined> => {
    const result = await stages.check(filter, configuration);
    return result.ok ? undefined : JSON.stringify(result.refusal);
  };
  const schedule = (waitMs = settleMs): void => {
    if (isStopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      running = running.then(round).finally(() => {
        // What has changed during the round comes first.
        if (timer === undefined) schedule(resyncMs);
      });
    }, waitMs);
  };
  const lease = new Lease(cluster, options.lease, logger, (leads) => {
    if (leads) schedule(0);
  });
  const watches = await Promise.all(
    watchedKinds.map(async (watched) => ({ watched, ...(await cluster.watch(watched, () => schedule())) })),
  );

  async function round(): Promise<void> {
    if (isStopped || !lease.isLeader) return;
    try {
      const isPolicy = ({ kind }: { kind: string }) => policyKinds.some((known) => known.kind === kind);
      const of = (wanted: boolean): KubeObject[] =>
        watches.flatMap(({ watched, list }) => (isPolicy(watched) === wanted ? list() : []));
      const desired = await desiredState(
        { policies: of(true), others: of(false) },
        modules,
        istio,
        previous,
        check,
      );
      previous = desired.policies;
      for (const warning of desired.warnings)
        logger.debug({ event: "left_out", warning }, "a resource has problems");
      const failure = await write(desired);
      for (const { object, accepted } of desired.findings) await tell(object, accepted, failure);
    } catch (error) {
      logger.error({ event: "reconcile", error: messageOf(error) }, "a round failed and is tried again");
      schedule(1_000);
    }
  }

  /** What could not be written; undefined when all is as it should be. */
  async function write({ plugins, kept, virtualServices }: Desired): Promise<string | undefined> {
    const failures: string[] = [];
    // Plugins first: a derived route without its filter would be a destination for a client to choose.
    for (const manifest of [...plugins, ...virtualServices]) {
      if (!lease.isLeader) return "another controller leads";
      await cluster.apply(manifest).catch((error: unknown) => {
        failures.push(
          `${manifest.kind} ${manifest.metadata.namespace}/${manifest.metadata.name}: ${messageOf(error)}`,
        );
      });
    }
    const names = [...kept, ...plugins.map(({ metadata }) => metadata.name)];
    await removeOthers(new Set(names)).catch((error: unknown) => failures.push(messageOf(error)));
    for (const failure of failures) logger.error({ event: "apply", failure }, "could not be applied");
    return failures.length === 0 ? undefined : failures.join("; ");
  }

  async function removeOthers(names: ReadonlySet<string>): Promise<void> {
    const labels = Object.entries(managed)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const found = await cluster.list("extensions.istio.io/v1alpha1", istio.resource, istio.namespace, labels);
    for (const object of found) {
      if (!names.has(object.metadata?.name ?? "")) await cluster.remove(object);
    }
  }

  async function tell(object: KubeObject, accepted: Finding, failure: string | undefined): Promise<void> {
    const conditions = newConditions(
      object,
      accepted,
      programmedOf(accepted, failure),
      new Date().toISOString(),
    );
    if (conditions === undefined) return;
    await cluster.applyStatus(object, { conditions }).catch((error: unknown) => {
      const { name } = object.metadata ?? {};
      logger.warn(
        { event: "status", policy: name, error: messageOf(error) },
        "a status could not be written",
      );
    });
  }

  lease.start();
  return {
    get isLeader() {
      return lease.isLeader;
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      await Promise.all(watches.map((watch) => watch.stop()));
      await lease.stop();
    },
  };
}

function programmedOf(accepted: Finding, failure: string | undefined): Finding {
  if (accepted.status === "False") {
    return { status: "False", reason: "NotAccepted", message: "This version of the policy is not in force." };
  }
  if (failure !== undefined) return { status: "False", reason: "NotApplied", message: failure };
  return { status: "True", reason: "Programmed", message: "The plugin and the routes are applied." };
}
