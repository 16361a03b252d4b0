// A WasmPlugin, or a TrafficExtension, for each filter that has something to do.

import type { Attachment } from "../../../schema/generated/types.ts";
import { faultConfig } from "../../../schema/fault.ts";
import { headerRoutingConfig } from "../../../schema/header-routing.ts";
import { metricsConfig } from "../../../schema/metrics.ts";
import { rateLimitConfig } from "../../../schema/rate-limit.ts";
import { suiteParts } from "../../../schema/suite.ts";
import type { Resource } from "../../model.ts";
import { compileConfiguration, type Naming } from "../../policy/compile.ts";
import { type PolicyKind, policyKinds } from "../../policy/kinds.ts";
import type { FilterModule } from "../../policy/modules.ts";
import type { Place } from "../../policy/places.ts";
import type { Mesh } from "../../snapshot.ts";
import type { Manifest } from "../rendered.ts";
import type { IstioOptions } from "./options.ts";
import type { Workloads } from "./workloads.ts";

export interface Plugin {
  filter: string;
  configuration: string;
  manifest: Manifest;
}

interface Input {
  mesh: Mesh;
  resources: readonly Resource[];
  modules: Readonly<Record<string, FilterModule>>;
  /** Hosts of Services whose ports are not known. */
  assumed: ReadonlySet<string>;
  options: IstioOptions;
}

/** A module with what it is told. */
interface Part {
  module: FilterModule;
  /** Place in the chain. */
  position: number;
  pluginConfig: object;
}

export function pluginsFor(workloads: Workloads, input: Input): Plugin[] {
  const parts = policyKinds.flatMap((kind, position): Part[] => {
    const module = input.modules[kind.module];
    const compiled = configurationOf(kind, workloads, input);
    const labels = writesLabels(kind) ? { labels: "istio" } : {};
    return module === undefined || compiled === undefined
      ? []
      : [{ module, position, pluginConfig: { ...labels, ...compiled } }];
  });
  const { suite } = input.modules;
  const isSuite = input.options.suite && suite !== undefined && parts.length > 0;
  const loaded = isSuite ? [{ module: suite, position: 0, pluginConfig: inOne(parts) }] : parts;
  return loaded.map((part) => plugin(part, workloads, input));
}

/** The suite takes the very pieces that the single filters take. */
const inOne = (parts: readonly Part[]): object =>
  Object.fromEntries(parts.map(({ module, pluginConfig }) => [suiteParts[module.name] ?? "", pluginConfig]));

/** Undefined: the filter has nothing to do there. */
function configurationOf(kind: PolicyKind, workloads: Workloads, input: Input): object | undefined {
  const { mesh, resources, assumed, options } = input;
  if (options.mode === "SERVER") return everywhere(kind, mesh, resources);
  if (policiesOf(kind, workloads, mesh) === 0) return undefined;
  const naming = namingOf(kind, workloads, mesh, assumed);
  return JSON.parse(compileConfiguration(kind, mesh, mesh, resources, naming)) as object;
}

/** Policies on the whole proxy, on every request. */
function everywhere(kind: PolicyKind, mesh: Mesh, resources: readonly Resource[]): object | undefined {
  const policies = mesh.policies.flatMap(({ kind: own, inForce }) => {
    if (own !== kind || kind.steers || inForce === undefined) return [];
    const { targetRefs = [], inherit: _, ...rest } = inForce.spec;
    return targetRefs.length > 0 ? [] : [{ name: `${inForce.namespace}/${inForce.name}`, ...rest }];
  });
  return policies.length === 0 ? undefined : { policies, ...kind.settings?.(resources) };
}

function policiesOf(kind: PolicyKind, { covers }: Workloads, mesh: Mesh): number {
  const reached = mesh.listeners.flatMap((listener) =>
    listener.virtualHosts.flatMap((virtualHost) =>
      virtualHost.routes.filter(
        (route) =>
          covers({ listener, virtualHost, route }) && mesh.byRoute.get(route)?.some((a) => a.kind === kind),
      ),
    ),
  );
  return reached.length;
}

function plugin({ module, position, pluginConfig }: Part, workloads: Workloads, { options }: Input): Plugin {
  const name = ["sluice", module.name.replaceAll("_", "-"), workloads.name].filter((part) => part !== "");
  const wasm = {
    url: options.moduleUrl(module),
    ...options.digest(module),
    pluginName: module.name,
    failStrategy: "FAIL_RELOAD",
    ...(options.imagePullSecret === undefined ? {} : { imagePullSecret: options.imagePullSecret }),
    pluginConfig,
  };
  const order = {
    ...(options.phase === undefined ? {} : { phase: options.phase }),
    // Higher is earlier: what is refused is not routed.
    priority: options.priority - position,
  };
  const isPlugin = options.resource === "WasmPlugin";
  return {
    filter: module.name,
    configuration: JSON.stringify(pluginConfig),
    manifest: {
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: options.resource,
      metadata: {
        name: name.join("-"),
        namespace: workloads.namespace ?? options.namespace,
        labels: managed,
      },
      spec: { ...workloads.where, ...order, ...(isPlugin ? wasm : { wasm }) },
    },
  };
}

export const managed = { "app.kubernetes.io/managed-by": "sluice" };

const configs: Record<string, { fields: object }> = {
  metrics: metricsConfig,
  rate_limit: rateLimitConfig,
  header_routing: headerRoutingConfig,
  fault: faultConfig,
};

/** Istio's bootstrap finds labels in stat names by rules of its own. */
const writesLabels = (kind: PolicyKind): boolean => "labels" in (configs[kind.module]?.fields ?? {});

/**
 * A cluster has more routes than the folder, so that a route is told with its virtual host; by its name alone where
 * the port of a Service, and with it the virtual host's name, is not known. A policy on the whole proxy acts on
 * every request, also on those of routes that the folder does not have; but header routing needs its derived
 * routes, and what `inherit: false` keeps from a route has to be told by routes.
 */
function namingOf(kind: PolicyKind, workloads: Workloads, mesh: Mesh, assumed: ReadonlySet<string>): Naming {
  const cut = new Set(
    [...mesh.cutOff.values()].flatMap((list) => list.map(({ attached }) => attached.policy)),
  );
  return {
    covers: workloads.covers,
    attachments: (place) => [attachmentOf(place, assumed)],
    isEverywhere: (policy, tier) => tier === "proxy" && !kind.steers && !cut.has(policy),
  };
}

function attachmentOf({ virtualHost, route }: Place, assumed: ReadonlySet<string>): Attachment {
  const isKnown = virtualHost.servers.length > 0 || !assumed.has(virtualHost.host);
  return isKnown ? { virtualHost: virtualHost.name, route: route.name } : { route: route.name };
}
