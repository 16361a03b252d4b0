// Configurations for running filters in an Envoy with nothing else in the way: one listener per plugin, listed
// in a file that Envoy watches, so that a plugin that is refused stops only its own listener.

import type { CaseRoute } from "./format.ts";

/** Headers by which the runner learns what Envoy did; they are taken out again before anything is compared. */
export const tell = { route: "x-case-route", cluster: "x-case-cluster", details: "x-case-details" } as const;

export interface PluginListener {
  /** Of the listener, the plugin and the vm_id, so that no two share a VM or its data. */
  name: string;
  wasm: string;
  configuration: string;
  rootId: string;
  capabilities: readonly string[];
  routes: readonly CaseRoute[];
  maxRequestHeadersKb?: number;
}

const typeUrl = (name: string) => `type.googleapis.com/${name}`;

export function bootstrapFor(lds: string, clusters: readonly string[], upstreamPort: number): unknown {
  return {
    node: { id: "cases", cluster: "cases" },
    admin: { address: loopback(0) },
    dynamic_resources: { lds_config: { path_config_source: { path: lds }, resource_api_version: "V3" } },
    static_resources: { clusters: clusters.map((name) => cluster(name, upstreamPort)) },
    layered_runtime: {
      layers: [{ name: "static", static_layer: { "re2.max_program_size.error_level": 32_768 } }],
    },
  };
}

export function listenersFile(listeners: readonly PluginListener[], version: string): unknown {
  return { version_info: version, resources: listeners.map(listener) };
}

function listener(plugin: PluginListener): unknown {
  const { maxRequestHeadersKb } = plugin;
  const manager = {
    "@type": typeUrl("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: plugin.name,
    generate_request_id: false,
    ...(maxRequestHeadersKb === undefined ? {} : { max_request_headers_kb: maxRequestHeadersKb }),
    common_http_protocol_options: { max_headers_count: 20_000 },
    route_config: { name: plugin.name, virtual_hosts: virtualHosts(plugin.routes) },
    local_reply_config: { mappers: [detailsMapper] },
    http_filters: [
      wasmFilter(plugin),
      {
        name: "router",
        typed_config: { "@type": typeUrl("envoy.extensions.filters.http.router.v3.Router") },
      },
    ],
  };
  return {
    "@type": typeUrl("envoy.config.listener.v3.Listener"),
    name: plugin.name,
    address: loopback(0),
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
}

/** Marks every answer that Envoy or a filter makes by itself, and says its response code details. */
const detailsMapper = {
  filter: {
    status_code_filter: { comparison: { op: "GE", value: { default_value: 0, runtime_key: "cases.none" } } },
  },
  headers_to_add: [{ header: { key: tell.details, value: "%RESPONSE_CODE_DETAILS%" } }],
};

function wasmFilter(plugin: PluginListener): unknown {
  return {
    name: plugin.name,
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm"),
      config: {
        name: plugin.name,
        root_id: plugin.rootId,
        failure_policy: "FAIL_RELOAD",
        configuration: { "@type": typeUrl("google.protobuf.StringValue"), value: plugin.configuration },
        capability_restriction_config: {
          allowed_capabilities: Object.fromEntries(plugin.capabilities.map((name) => [name, {}])),
        },
        vm_config: {
          vm_id: plugin.name,
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: plugin.wasm } },
        },
      },
    },
  };
}

function virtualHosts(routes: readonly CaseRoute[]): unknown {
  const names = [...new Set(routes.map((route) => route.virtualHost))];
  return names.map((name) => {
    const own = routes.filter((route) => route.virtualHost === name);
    return { name, domains: own[0]?.domains, routes: own.map(routeOf) };
  });
}

function routeOf(route: CaseRoute): unknown {
  const headers = Object.entries(route.headers).map(([name, exact]) => ({ name, string_match: { exact } }));
  return {
    name: route.name,
    match: { ...(route.path === undefined ? { prefix: route.prefix } : { path: route.path }), headers },
    route: { cluster: route.cluster, timeout: "15s" },
    metadata: { filter_metadata: route.metadata },
    request_headers_to_add: [
      { header: { key: tell.route, value: route.name }, keep_empty_value: true },
      { header: { key: tell.cluster, value: route.cluster } },
    ],
    request_headers_to_remove: route.remove,
  };
}

function cluster(name: string, port: number): unknown {
  return {
    name,
    type: "STATIC",
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
    },
  };
}

function loopback(port: number): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
