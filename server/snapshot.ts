// From resources to what proxies are served: the mesh, the policies on its routes, and Envoy's resources,
// encoded and under versions made from their content. What did not change keeps its very bytes.

import type { Diagnostic } from "../schema/diagnostic.ts";
import { compileMesh, type MeshModel } from "./istio/mesh.ts";
import type { ObservabilityOptions } from "./istio/observability.ts";
import { sourceLabelKeys } from "./istio/callers.ts";
import type { View } from "./istio/registry.ts";
import { Report } from "./istio/report.ts";
import { type Dependence, dependenceOf } from "./istio/viewpoint.ts";
import type { NodeIdentity, Resource, Snapshot, XdsResource } from "./model.ts";
import { type Attachments, attachPolicies, type PolicyState } from "./policy/attach.ts";
import { compileConfiguration } from "./policy/compile.ts";
import { withIstioFaults } from "./policy/istio-faults.ts";
import { type PolicyKind, policyKinds } from "./policy/kinds.ts";
import type { FilterModule } from "./policy/modules.ts";
import { hasVmCapabilities } from "./policy/plugin.ts";
import { encodeSnapshot, type ResourcePool } from "./resources.ts";
import { SecretStore } from "./secret-store.ts";

export { type FilterModule, loadModules } from "./policy/modules.ts";

export interface SnapshotOptions extends ObservabilityOptions {
  listen: { host: string; port: number };
  /** By name, such as `header_routing`. A filter whose module is not there has no place in the listeners. */
  modules: Record<string, FilterModule>;
  /** `file`: a directory that server and Envoy share. */
  delivery: "inline" | { file: string };
  /** Proxies are on other machines and the xDS port is in plain text: private keys stay here. */
  withholdsKeys?: boolean;
}

/** The mesh as one kind of proxy sees it. */
export type Seen = Pick<Built, "mesh" | "plugins">;

interface SeenWithKinds extends Seen {
  plugins: readonly (Plugin & { kind: PolicyKind })[];
}

/** What explanations and the API read. */
export interface Mesh extends MeshModel, Attachments {}

export interface Plugin {
  /** Name of the module. */
  filter: string;
  configuration: string;
}

export interface Built {
  diagnostics: Diagnostic[];
  plugins: readonly Plugin[];
  snapshotFor(node: NodeIdentity): Snapshot;
  /** The resources, with the previous version of a policy that is at fault, or without the policy. */
  servedResources(): readonly Resource[];
  /** The whole of it. */
  mesh: Mesh;
  /** What a proxy sees of it. */
  meshFor(node: NodeIdentity): Mesh;
  seenBy(node: NodeIdentity): Seen;
  /** Files beside the folder's own from which it was made: certificates and keys. */
  files(): ReadonlySet<string>;
}

/** A proxy that says nothing of itself is the gateway of the folder and sees all of it. */
const everything: View = { namespace: undefined, labels: undefined };

export function build(resources: readonly Resource[], options: SnapshotOptions, previous?: Built): Built {
  return new BuiltMesh(resources, options, previous instanceof BuiltMesh ? previous : undefined);
}

/** Errors and warnings that only show between resources: unknown references, overlapping routes. */
export function checkReferences(resources: readonly Resource[]): Diagnostic[] {
  const listen = { host: "127.0.0.1", port: 0 };
  const { mesh, diagnostics } = compileMesh(resources, listen, everything);
  const report = new Report();
  attachPolicies(withIstioFaults(resources), mesh, [], report);
  const secrets = new SecretStore();
  return [...diagnostics, ...report.diagnostics, ...mesh.secrets.flatMap((use) => secrets.check(use))];
}

class BuiltMesh implements Built {
  readonly diagnostics: Diagnostic[] = [];
  readonly mesh: Mesh;
  readonly plugins: readonly Plugin[];
  readonly #written: readonly Resource[];
  readonly #resources: readonly Resource[];
  readonly #options: SnapshotOptions;
  readonly #before: readonly PolicyState[];
  readonly #pool: ResourcePool;
  readonly #views = new Map<string, SeenWithKinds>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #secrets: SecretStore;
  readonly #dependence: Dependence;
  readonly #sourceLabels: readonly string[];

  constructor(resources: readonly Resource[], options: SnapshotOptions, previous: BuiltMesh | undefined) {
    this.#written = resources;
    this.#resources = withIstioFaults(resources);
    this.#options = options;
    this.#dependence = dependenceOf(resources);
    this.#sourceLabels = sourceLabelKeys(resources);
    this.#before = previous?.mesh.policies ?? [];
    this.#pool = { before: previous?.encoded ?? new Map(), now: new Map() };
    this.#secrets = new SecretStore(previous?.secrets);
    const report = new Report();
    const seen = this.#see(everything, report);
    this.#views.set(viewKey(everything), seen);
    reportMissingModules(seen.mesh.policies, options, report);
    this.diagnostics.push(...report.diagnostics);
    this.mesh = seen.mesh;
    this.plugins = seen.plugins.map(({ filter, configuration }) => ({ filter, configuration }));
  }

  /** Every resource encoded so far, by type, name and version. */
  get encoded(): ReadonlyMap<string, XdsResource> {
    return this.#pool.now;
  }

  get secrets(): SecretStore {
    return this.#secrets;
  }

  files(): ReadonlySet<string> {
    return this.#secrets.files;
  }

  snapshotFor(node: NodeIdentity): Snapshot {
    const view = viewOf(node, this.#distinctions());
    const key = `${viewKey(view)}\n${hasVmCapabilities(node.envoyVersion)}`;
    const known = this.#snapshots.get(key);
    if (known !== undefined) return known;
    const seen = this.#seenBy(view);
    const snapshot = encodeSnapshot({
      ...seen,
      options: this.#options,
      envoyVersion: node.envoyVersion,
      pool: this.#pool,
      secrets: this.#secrets,
    });
    this.#snapshots.set(key, snapshot);
    return snapshot;
  }

  servedResources(): readonly Resource[] {
    const changed = new Map<Resource, Resource | undefined>();
    for (const { resource, inForce } of this.mesh.policies) {
      if (inForce !== resource) changed.set(resource, inForce);
    }
    if (changed.size === 0) return this.#written;
    return this.#written.flatMap((r) => (changed.has(r) ? (changed.get(r) ?? []) : r));
  }

  meshFor(node: NodeIdentity): Mesh {
    return this.seenBy(node).mesh;
  }

  seenBy(node: NodeIdentity): Seen {
    return this.#seenBy(viewOf(node, this.#distinctions()));
  }

  #seenBy(view: View): SeenWithKinds {
    const seen = this.#views.get(viewKey(view)) ?? this.#see(view, new Report());
    this.#views.set(viewKey(view), seen);
    return seen;
  }

  #see(view: View, report: Report): SeenWithKinds {
    const { mesh, diagnostics } = compileMesh(this.#resources, this.#options.listen, view);
    report.diagnostics.push(...diagnostics, ...mesh.secrets.flatMap((use) => this.#secrets.check(use)));
    if (this.#options.withholdsKeys === true) reportWithheld(mesh, report);
    const attachments = attachPolicies(this.#resources, mesh, this.#before, report);
    const plugins = policyKinds
      .filter((kind) => this.#options.modules[kind.module] !== undefined)
      .map((kind) => ({
        kind,
        filter: kind.module,
        configuration: compileConfiguration(
          kind,
          mesh,
          attachments,
          this.#resources,
          undefined,
          this.#options.explainTokenSha256,
        ),
      }));
    return { mesh: { ...mesh, ...attachments }, plugins };
  }

  /** Other labels of a node make no difference. */
  #distinctions(): Dependence {
    const gateways = [...this.mesh.registry.gateways.values()];
    const selectorKeys = gateways.flatMap((g) => Object.keys(g.spec.selector ?? {}));
    const { labels, locality } = this.#dependence;
    return { labels: new Set([...selectorKeys, ...labels, ...this.#sourceLabels]), locality };
  }
}

function viewOf(node: NodeIdentity, distinctions: Dependence): View {
  const labels = Object.entries(node.labels).filter(([key]) => distinctions.labels.has(key));
  return {
    namespace: node.namespace === "" ? undefined : node.namespace,
    labels: Object.keys(node.labels).length === 0 ? undefined : Object.fromEntries(labels),
    locality: distinctions.locality ? node.locality : undefined,
    sidecar: node.sidecar,
  };
}

const viewKey = ({ namespace, labels, locality, sidecar }: View): string =>
  JSON.stringify([
    namespace ?? null,
    labels === undefined ? null : Object.entries(labels).sort(),
    locality ?? null,
    sidecar ?? null,
  ]);

function reportWithheld({ secrets }: MeshModel, report: Report): void {
  for (const { secret, resource, path } of secrets) {
    if (secret.kind !== "certificate") continue;
    const message =
      "Its private key would go to proxies in plain text. Start the server with --xds-cert and --xds-key, or with --xds on a loopback address.";
    report.error(resource, path, message);
  }
}

function reportMissingModules(
  policies: readonly PolicyState[],
  options: SnapshotOptions,
  report: Report,
): void {
  for (const { resource, kind } of policies) {
    if (options.modules[kind.module] !== undefined) continue;
    const message = `The filter for this policy is not there: build/filters/${kind.module}.wasm. Build it with npm run build. The policy is not in force.`;
    report.error(resource, [], message);
  }
}
