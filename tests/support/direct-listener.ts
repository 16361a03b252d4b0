// A listener with one filter before a direct response, for setting our fault filter beside Envoy's own.

import { join } from "node:path";
import { projectRoot } from "../../envoy/root.ts";
import type { FaultSpec } from "../../schema/generated/types.ts";

const typeUrl = (name: string) => `type.googleapis.com/${name}`;

/** A port of 127.0.0.1 that the system chooses. */
export const anyPort = { socket_address: { address: "127.0.0.1", port_value: 0 } };

/** Everything is answered 202 `service`, unless the filter has it otherwise. */
export function directListener(name: string, filter: unknown): unknown {
  const manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const answer = { status: 202, body: { inline_string: "service" } };
  const routes = [{ match: { prefix: "/" }, direct_response: answer }];
  const router = {
    name: "router",
    typed_config: { "@type": typeUrl("envoy.extensions.filters.http.router.v3.Router") },
  };
  const http = {
    name: "http",
    typed_config: {
      "@type": typeUrl(manager),
      stat_prefix: name,
      generate_request_id: false,
      route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
      http_filters: [filter, router],
    },
  };
  return { name, address: anyPort, filter_chains: [{ filters: [http] }] };
}

export const nativeFault = (fault: Record<string, unknown>) => ({
  name: "native",
  typed_config: { "@type": typeUrl("envoy.extensions.filters.http.fault.v3.HTTPFault"), ...fault },
});

export const ourFault = (spec: FaultSpec, name: string) => ({
  name: "ours",
  typed_config: {
    "@type": typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm"),
    config: {
      name,
      configuration: {
        "@type": typeUrl("google.protobuf.StringValue"),
        value: JSON.stringify({ policies: [{ name: "beside/p", ...spec }] }),
      },
      vm_config: {
        vm_id: "beside",
        runtime: "envoy.wasm.runtime.v8",
        code: { local: { filename: join(projectRoot, "build/filters/fault.wasm") } },
      },
    },
  },
});
