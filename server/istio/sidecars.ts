// The listeners of a proxy beside one workload: what the workload calls goes out by one of them, by the Host header as
// on the mesh's own listener; what is called of it comes in by the others. Nothing is redirected: callers and
// workload use the ports.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_DiscoveryType as Discovery,
  ClusterSchema,
} from "../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { RouteSchema } from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { HttpProtocolOptionsSchema } from "../../build/envoy-api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ServicePort } from "../../schema/generated/types.ts";
import { forward, type MeshDestination } from "./actions.ts";
import { bufferLimitBytes } from "./cluster-message.ts";
import type { MeshCluster } from "./clusters.ts";
import { routeMatch } from "./conditions.ts";
import type { MeshListener } from "./mesh.ts";
import { protocolOptions, thresholds } from "./pool.ts";
import { isHttp } from "./protocols.ts";
import type { Service } from "./registry.ts";
import type { Known } from "./routes.ts";
import { meshVirtualHosts, type MeshVirtualHost } from "./virtual-hosts.ts";
import { pack, seconds, socketAddress } from "./wire.ts";

interface HostPort {
  host: string;
  port: number;
}

/** Where a sidecar listens, as its node says. */
export interface SidecarPorts {
  outbound: HostPort;
  /** Ports of endpoints, and where the workload itself is. */
  inbound: readonly (HostPort & { to: HostPort })[];
}

export interface Sidecar {
  listeners: MeshListener[];
  /** To the workload. */
  clusters: MeshCluster[];
}

const plain = { servers: [], serverNames: [], subnets: [], tls: undefined, tcp: undefined };

export function sidecarOf({ outbound, inbound }: SidecarPorts, known: Known): Sidecar {
  const out: MeshListener = {
    ...plain,
    ...outbound,
    name: "outbound",
    routeConfig: "outbound",
    virtualHosts: meshVirtualHosts(known, known.view, outbound.port),
    ofSidecar: "outbound",
  };
  const sidecar: Sidecar = { listeners: [out], clusters: [] };
  for (const entry of inbound) {
    const served = servedAt(entry, known);
    if (served === undefined) continue;
    const cluster = inboundCluster(served.service, served.port, entry.to);
    sidecar.clusters.push(cluster);
    sidecar.listeners.push(inboundListener(entry, served, cluster.name));
  }
  return sidecar;
}

interface Served {
  service: Service;
  port: ServicePort;
}

/** The service of which this address and port is an endpoint. */
function servedAt({ host, port }: HostPort, { registry }: Known): Served | undefined {
  for (const service of registry.services.values()) {
    for (const endpoint of service.endpoints ?? []) {
      const address = endpoint.address === "localhost" ? "127.0.0.1" : endpoint.address;
      if (address !== host) continue;
      const own = service.ports.find((p) => (endpoint.ports?.[p.name] ?? p.targetPort ?? p.number) === port);
      if (own !== undefined) return { service, port: own };
    }
  }
  return undefined;
}

/** Under Istio's name. */
function inboundCluster(service: Service, port: ServicePort, to: HostPort): MeshCluster {
  const name = `inbound|${to.port}||`;
  const options = protocolOptions(port, undefined);
  const loadAssignment: MessageInitShape<typeof ClusterSchema>["loadAssignment"] = {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: [
          { hostIdentifier: { case: "endpoint", value: { address: socketAddress(to.host, to.port) } } },
        ],
      },
    ],
  };
  const message: Cluster = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Discovery.STATIC },
    connectTimeout: seconds(10),
    perConnectionBufferLimitBytes: bufferLimitBytes,
    loadAssignment,
    circuitBreakers: { thresholds: [thresholds(undefined, undefined)] },
    ...(options === undefined
      ? {}
      : {
          typedExtensionProtocolOptions: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(
              HttpProtocolOptionsSchema,
              create(HttpProtocolOptionsSchema, options),
            ),
          },
        }),
  });
  const none = { endpoints: undefined, hash: undefined, secrets: [], tls: undefined, subset: undefined };
  return { ...none, name, service, port: port.number, message };
}

function inboundListener(
  { host, port: listenPort }: HostPort,
  { service, port }: Served,
  cluster: string,
): MeshListener {
  const to: MeshDestination = {
    host: service.host,
    subset: undefined,
    port: port.number,
    cluster,
    weight: 1,
    headers: undefined,
    hash: undefined,
  };
  const name = `inbound_${host}_${listenPort}`;
  const listener = { ...plain, name, host, port: listenPort, ofSidecar: "inbound" } as const;
  if (!isHttp(port.protocol)) {
    const statPrefix = cluster;
    const tcp = {
      kind: "tcp",
      settings: undefined,
      sniHosts: [],
      subnets: [],
      destinations: [to],
      statPrefix,
      origin: undefined,
    } as const;
    return { ...listener, routeConfig: "", virtualHosts: [], tcp };
  }
  return { ...listener, routeConfig: name, virtualHosts: [inboundHost(service, port, to)] };
}

function inboundHost(service: Service, port: ServicePort, own: MeshDestination): MeshVirtualHost {
  // The caller's proxy has tried again already.
  const steer = (to: MeshDestination) =>
    create(RouteSchema, {
      name: "default",
      match: routeMatch(undefined),
      ...forward({ retries: { attempts: 0 } }, [to]),
    });
  const route = { name: "default", message: steer(own), steer, destinations: [own] };
  return {
    name: `inbound|http|${port.number}`,
    host: service.host,
    port: port.number,
    domains: ["*"],
    routes: [{ ...route, origin: { kind: "service", service } }],
    leftOut: [],
    servers: [],
  };
}
