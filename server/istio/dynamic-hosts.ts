// ServiceEntries whose host is a pattern: the name that a request asks for is looked up in DNS (Envoy's dynamic
// forward proxy). The pattern's virtual host keeps other names out.

import { create } from "@bufbuild/protobuf";
import {
  Cluster_DnsLookupFamily as LookupFamily,
  Cluster_LbPolicy,
  type ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterConfigSchema } from "../../build/envoy-api/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts";
import type { DnsCacheConfigSchema } from "../../build/envoy-api/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.ts";
import { FilterConfigSchema } from "../../build/envoy-api/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts";
import {
  type HttpFilter,
  HttpFilterSchema,
} from "../../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { isWildcard } from "./names.ts";
import type { Observability } from "./observability.ts";
import type { Service } from "./registry.ts";
import { type Fields, pack } from "./wire.ts";

/** Filter and clusters must say the same of the one cache that they share. */
const cache: Fields<typeof DnsCacheConfigSchema> = {
  name: "sluice",
  dnsLookupFamily: LookupFamily.V4_PREFERRED,
  maxHosts: 1024,
};

/** `checksNames`: by TLS the host proves the name that was looked up. Envoy wants to be told where it need not. */
export const dynamicDiscovery = (checksNames: boolean): Fields<typeof ClusterSchema> => ({
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
  clusterDiscoveryType: {
    case: "clusterType",
    value: {
      name: "envoy.clusters.dynamic_forward_proxy",
      typedConfig: pack(
        ClusterConfigSchema,
        create(ClusterConfigSchema, {
          clusterImplementationSpecifier: { case: "dnsCacheConfig", value: cache },
          allowInsecureClusterOptions: !checksNames,
        }),
      ),
    },
  },
});

/** Waits for the look-up of a request's host, where its cluster is such a one; else it does nothing. */
const lookup: HttpFilter = create(HttpFilterSchema, {
  name: "envoy.filters.http.dynamic_forward_proxy",
  configType: {
    case: "typedConfig",
    value: pack(
      FilterConfigSchema,
      create(FilterConfigSchema, {
        implementationSpecifier: { case: "dnsCacheConfig", value: cache },
      }),
    ),
  },
});

/** Listeners have the filter only where a host is a pattern. */
export function withLookups(observed: Observability, services: Iterable<Service>): Observability {
  const isNeeded = [...services].some(({ host }) => isWildcard(host));
  return isNeeded ? { ...observed, filters: [...observed.filters, lookup] } : observed;
}
