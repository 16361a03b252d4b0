// The Kubernetes API as the controller uses it: what it watches, and the few things that it writes.

import {
  ApiException,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from "@kubernetes/client-node";
import type { Logger } from "../log.ts";
import type { Manifest } from "../render/rendered.ts";
import type { KubeObject } from "./objects.ts";

export interface Watched {
  apiVersion: string;
  kind: string;
  plural: string;
}

const ours = "sluice.traffic/v1alpha1";
const istio = "networking.istio.io/v1";

export const policyKinds: readonly Watched[] = [
  { apiVersion: ours, kind: "RateLimitPolicy", plural: "ratelimitpolicies" },
  { apiVersion: ours, kind: "HeaderRoutingPolicy", plural: "headerroutingpolicies" },
  { apiVersion: ours, kind: "FaultPolicy", plural: "faultpolicies" },
  { apiVersion: ours, kind: "MetricsPolicy", plural: "metricspolicies" },
];

export const watchedKinds: readonly Watched[] = [
  ...policyKinds,
  { apiVersion: ours, kind: "FaultSwitch", plural: "faultswitches" },
  { apiVersion: istio, kind: "VirtualService", plural: "virtualservices" },
  { apiVersion: istio, kind: "DestinationRule", plural: "destinationrules" },
  { apiVersion: istio, kind: "Gateway", plural: "gateways" },
  { apiVersion: istio, kind: "ServiceEntry", plural: "serviceentries" },
  { apiVersion: "v1", kind: "Service", plural: "services" },
];

export const fieldManager = "sluice-controller";
const retryMs = 1_000;

export class Cluster {
  readonly #config: KubeConfig;
  readonly #api: KubernetesObjectApi;
  readonly #custom: CustomObjectsApi;
  readonly #logger: Logger;

  /** Without a path: the Pod's own service account, else the kubeconfig of the user. */
  constructor(kubeconfig: string | undefined, logger: Logger) {
    this.#config = new KubeConfig();
    if (kubeconfig === undefined) this.#config.loadFromDefault();
    else this.#config.loadFromFile(kubeconfig);
    this.#api = KubernetesObjectApi.makeApiClient(this.#config);
    this.#custom = this.#config.makeApiClient(CustomObjectsApi);
    this.#logger = logger;
  }

  /** Keeps a copy of all objects of a kind; a watch that fails is begun again after a second. */
  async watch(
    watched: Watched,
    onChange: () => void,
  ): Promise<{ list(): readonly KubeObject[]; stop(): Promise<void> }> {
    const { apiVersion, kind, plural } = watched;
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const list = () => this.#api.list(apiVersion, kind);
    const informer = makeInformer(this.#config, `${base}/${plural}`, list);
    let isStopped = false;
    let retry: NodeJS.Timeout | undefined;
    const again = (error: unknown): void => {
      if (isStopped) return;
      this.#logger.warn({ event: "watch", kind, error: messageOf(error) }, "a watch failed and begins again");
      clearTimeout(retry);
      retry = setTimeout(() => void informer.start().catch(again), retryMs);
    };
    informer.on("change", onChange);
    informer.on("delete", onChange);
    informer.on("error", again);
    await informer.start().catch(again);
    return {
      // A list's entries have neither.
      list: () => informer.list().map((object) => ({ ...object, apiVersion, kind }) as KubeObject),
      async stop() {
        isStopped = true;
        clearTimeout(retry);
        await informer.stop();
      },
    };
  }

  /** Server-side apply; `force` takes fields over that somebody else has set. */
  async apply(manifest: Manifest, force = true): Promise<void> {
    await this.#api.patch(manifest, undefined, undefined, fieldManager, force, PatchStrategy.ServerSideApply);
  }

  async applyStatus({ apiVersion = "", kind = "", metadata }: KubeObject, status: object): Promise<void> {
    const { name = "", namespace = "default" } = metadata ?? {};
    const [group = "", version = ""] = apiVersion.split("/");
    const plural = policyKinds.find((known) => known.kind === kind)?.plural ?? "";
    const body = { apiVersion, kind, metadata: { name, namespace }, status };
    await this.#custom.patchNamespacedCustomObjectStatus(
      { group, version, namespace, plural, name, body, fieldManager, force: true },
      setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply),
    );
  }

  async list(
    apiVersion: string,
    kind: string,
    namespace: string,
    labels: string,
  ): Promise<readonly KubeObject[]> {
    const found = await this.#api.list(
      apiVersion,
      kind,
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      labels,
    );
    return found.items.map((object) => ({ ...object, apiVersion, kind }) as KubeObject);
  }

  async remove({ apiVersion, kind, metadata }: KubeObject): Promise<void> {
    const { name = "", namespace = "" } = metadata ?? {};
    await this.#api.delete({
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(kind === undefined ? {} : { kind }),
      metadata: { name, namespace },
    });
  }

  /** Undefined: there is none. */
  async read(object: {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace: string };
  }): Promise<KubeObject | undefined> {
    try {
      return (await this.#api.read(object)) as KubeObject;
    } catch (error) {
      if (error instanceof ApiException && error.code === 404) return undefined;
      throw error;
    }
  }

  async create(object: KubeObject): Promise<void> {
    await this.#api.create(object as never);
  }

  /** Fails when somebody else has changed the object since it was read. */
  async replace(object: KubeObject): Promise<void> {
    await this.#api.replace(object as never);
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiException) {
    const body: unknown = typeof error.body === "string" ? safeParse(error.body) : error.body;
    const { message } = (body ?? {}) as { message?: string };
    return `${error.code} ${message ?? ""}`.trim();
  }
  return error instanceof Error ? error.message : String(error);
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
