// A snapshot as one static Envoy configuration: what comes over xDS, put in place, so that an Envoy without
// a server checks it and serves it.

import {
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonObject,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import { FilterConfigSchema } from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import {
  CorsPolicySchema,
  CorsSchema,
} from "../build/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../build/envoy-api/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { RouterSchema } from "../build/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { WasmSchema } from "../build/envoy-api/envoy/extensions/filters/http/wasm/v3/wasm_pb.ts";
import { HttpConnectionManagerSchema } from "../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TlsInspectorSchema } from "../build/envoy-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { TcpProxySchema } from "../build/envoy-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { HeaderMutationSchema } from "../build/envoy-api/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.ts";
import { PreviousHostsPredicateSchema } from "../build/envoy-api/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../build/envoy-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import { HttpProtocolOptionsSchema } from "../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { type Snapshot, type TypeUrl, typeUrls } from "../server/model.ts";

export const envoyRegistry = createRegistry(
  HttpConnectionManagerSchema,
  HTTPFaultSchema,
  RouterSchema,
  WasmSchema,
  HeaderMutationSchema,
  PreviousHostsPredicateSchema,
  HttpProtocolOptionsSchema,
  FilterConfigSchema,
  StringValueSchema,
  CorsSchema,
  CorsPolicySchema,
  PreviousPrioritiesConfigSchema,
  TcpProxySchema,
  TlsInspectorSchema,
);

/** The resources of one type, decoded. */
export function decoded<Desc extends DescMessage>(
  snapshot: Snapshot,
  typeUrl: TypeUrl,
  schema: Desc,
): Map<string, MessageShape<Desc>> {
  const resources = snapshot.resources.get(typeUrl) ?? new Map();
  return new Map([...resources.values()].map((r) => [r.name, fromBinary(schema, r.value)]));
}

export interface StaticOptions {
  /** A stand-in for a filter by its name, as JSON; else the filter that the snapshot carries. */
  filters?: Record<string, JsonObject>;
}

export function staticBootstrap(snapshot: Snapshot, options: StaticOptions = {}): JsonObject {
  return {
    admin: { address: { socketAddress: { address: "127.0.0.1", portValue: 0 } } },
    layeredRuntime: {
      layers: [{ name: "static", staticLayer: { re2: { max_program_size: { error_level: 32_768 } } } }],
    },
    staticResources: { listeners: listeners(snapshot, options), clusters: clusters(snapshot) },
  };
}

function clusters(snapshot: Snapshot): JsonObject[] {
  const endpoints = decoded(snapshot, typeUrls.endpoints, ClusterLoadAssignmentSchema);
  return [...decoded(snapshot, typeUrls.cluster, ClusterSchema).values()].map((cluster) => {
    const { edsClusterConfig, ...rest } = asJson(ClusterSchema, cluster);
    const assignment = endpoints.get(cluster.name);
    if (assignment === undefined) return rest;
    if (edsClusterConfig === undefined) throw new Error(`${cluster.name} has endpoints and no EDS`);
    return { ...rest, type: "STATIC", loadAssignment: asJson(ClusterLoadAssignmentSchema, assignment) };
  });
}

interface Chain extends JsonObject {
  filters: [{ typedConfig: Manager }];
}

interface Manager extends JsonObject {
  rds: { routeConfigName: string };
  httpFilters: JsonObject[];
}

function listeners(snapshot: Snapshot, options: StaticOptions): JsonObject[] {
  const routes = decoded(snapshot, typeUrls.routes, RouteConfigurationSchema);
  const extensions = decoded(snapshot, typeUrls.extension, TypedExtensionConfigSchema);
  return [...decoded(snapshot, typeUrls.listener, ListenerSchema).values()].map((listener) => {
    const json = asJson(ListenerSchema, listener);
    const chains = (json.filterChains as unknown as Chain[]).map((chain) => inPlace(chain));
    return { ...json, filterChains: chains };
  });

  function inPlace(chain: Chain): JsonObject {
    const [first] = chain.filters;
    // Connections that are forwarded as they are.
    if (first.typedConfig.rds === undefined) return chain;
    const { rds, httpFilters, ...manager } = first.typedConfig;
    const table = routes.get(rds.routeConfigName);
    if (table === undefined) throw new Error(`no routes ${rds.routeConfigName}`);
    const filters = httpFilters.map(({ configDiscovery, ...filter }): JsonObject => {
      if (configDiscovery === undefined) return filter;
      const name = String(filter.name);
      const standIn = options.filters?.[name];
      const extension = extensions.get(name);
      if (standIn !== undefined) return { ...filter, typedConfig: standIn };
      if (extension === undefined) throw new Error(`no filter ${name}`);
      return { ...filter, ...asJson(TypedExtensionConfigSchema, extension) };
    });
    const routeConfig = asJson(RouteConfigurationSchema, table);
    const typedConfig = { ...manager, routeConfig, httpFilters: filters } as JsonObject;
    return { ...chain, filters: [{ ...first, typedConfig }] };
  }
}

const asJson = <Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject =>
  toJson(schema, message, { registry: envoyRegistry }) as JsonObject;
