// A proxy as the config server sees one: a delta stream that subscribes to what Envoy would and acknowledges what
// comes. It keeps no resource, so that a thousand fit one process; what came is counted.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from "../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  type Resource,
} from "../build/envoy-api/envoy/service/discovery/v3/discovery_pb.ts";
import { typeUrls } from "../server/model.ts";

type Request = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

const reconnectMs = 500;

export class SimulatedProxy {
  resources = 0;
  removals = 0;
  bytes = 0;
  /** Called for each response, with the names in it. */
  onResponse: (typeUrl: string, names: string[]) => void = () => {};
  readonly #client: Client;
  #call: ClientDuplexStream<Request, DeltaDiscoveryResponse>;
  readonly #id: string;
  #isClosed = false;
  readonly #subscribed = new Set<string>();

  constructor(port: number, id: string) {
    // Each has a connection of its own, as proxies do.
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
    });
    this.#id = id;
    this.#call = this.#open();
  }

  #open(): ClientDuplexStream<Request, DeltaDiscoveryResponse> {
    this.#subscribed.clear();
    const call = this.#client.makeBidiStreamRequest<Request, DeltaDiscoveryResponse>(
      path,
      (request) =>
        Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))),
      (bytes) => {
        this.bytes += bytes.length;
        return fromBinary(DeltaDiscoveryResponseSchema, bytes);
      },
    );
    call.on("data", (response: DeltaDiscoveryResponse) => this.#take(response));
    call.on("error", () => {
      // As a proxy does: on a busy machine a connection may be given up before it stands.
      if (!this.#isClosed) setTimeout(() => (this.#call = this.#open()), reconnectMs);
    });
    const userAgentVersionType = {
      case: "userAgentBuildVersion",
      value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
    } as const;
    const node = { id: this.#id, userAgentName: "envoy", userAgentVersionType };
    for (const typeUrl of [typeUrls.cluster, typeUrls.listener]) call.write({ node, typeUrl });
    return call;
  }

  #take({ typeUrl, nonce, resources, removedResources }: DeltaDiscoveryResponse): void {
    this.resources += resources.length;
    this.removals += removedResources.length;
    this.#call.write({ typeUrl, responseNonce: nonce });
    const needed = resources.flatMap(neededBy);
    for (const type of [typeUrls.endpoints, typeUrls.routes, typeUrls.extension]) {
      const names = needed.filter((one) => one.type === type).map(({ name }) => name);
      const fresh = [...new Set(names)].filter((name) => !this.#subscribed.has(`${type} ${name}`));
      for (const name of fresh) this.#subscribed.add(`${type} ${name}`);
      if (fresh.length > 0) this.#call.write({ typeUrl: type, resourceNamesSubscribe: fresh });
    }
    this.onResponse(
      typeUrl,
      resources.map(({ name }) => name),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#call.cancel();
    this.#client.close();
  }
}

interface Needed {
  type: string;
  name: string;
}

const known = new Map<string, Needed[]>();

/** What Envoy asks for once it has a resource; looked at once for all proxies. */
function neededBy({ name, version, resource }: Resource): Needed[] {
  const key = `${name}\n${version}`;
  const found = known.get(key) ?? lookInto(resource?.typeUrl, resource?.value ?? new Uint8Array());
  known.set(key, found);
  return found;
}

function lookInto(typeUrl: string | undefined, value: Uint8Array): Needed[] {
  if (typeUrl === typeUrls.cluster) return ofCluster(fromBinary(ClusterSchema, value));
  if (typeUrl !== typeUrls.listener) return [];
  const chains = fromBinary(ListenerSchema, value).filterChains;
  return chains.flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      const any = configType.case === "typedConfig" ? configType.value : undefined;
      if (any?.typeUrl !== `type.googleapis.com/${HttpConnectionManagerSchema.typeName}`) return [];
      const { routeSpecifier, httpFilters } = fromBinary(HttpConnectionManagerSchema, any.value);
      const routes =
        routeSpecifier.case === "rds"
          ? [{ type: typeUrls.routes, name: routeSpecifier.value.routeConfigName }]
          : [];
      const extensions = httpFilters
        .filter((filter) => filter.configType.case === "configDiscovery")
        .map((filter) => ({ type: typeUrls.extension, name: filter.name }));
      return [...routes, ...extensions];
    }),
  );
}

function ofCluster({ name, clusterDiscoveryType, edsClusterConfig }: Cluster): Needed[] {
  const { case: kind, value } = clusterDiscoveryType;
  if (kind !== "type" || value !== Cluster_DiscoveryType.EDS) return [];
  return [{ type: typeUrls.endpoints, name: edsClusterConfig?.serviceName || name }];
}
