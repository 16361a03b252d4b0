// Envoy's listeners and route tables, set up as Envoy advises for the edge of a network.
//
// Clients are strangers: their address is the connection's, none is internal, so that x-envoy-* headers of
// theirs have no effect; paths are brought to one form before they are matched, so that no spelling of a path
// dodges a route; header names with an underscore, which many servers take for a dash, are refused with 400
// and counted (http1/http2.requests_rejected_with_underscores_in_headers), never dropped in silence.

import { create } from "@bufbuild/protobuf";
import { HeaderMutationSchema } from "../../build/envoy-api/envoy/config/common/mutation_rules/v3/mutation_rules_pb.ts";
import { HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores } from "../../build/envoy-api/envoy/config/core/v3/protocol_pb.ts";
import { type Listener, ListenerSchema } from "../../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import {
  type Filter,
  type FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from "../../build/envoy-api/envoy/config/listener/v3/listener_components_pb.ts";
import {
  type VirtualHost,
  VirtualHost_TlsRequirementType as TlsRequirement,
  VirtualHostSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from "../../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { CorsSchema } from "../../build/envoy-api/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../build/envoy-api/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { OriginalDstSchema } from "../../build/envoy-api/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { TlsInspectorSchema } from "../../build/envoy-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../../build/envoy-api/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { RouterSchema } from "../../build/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManager_ForwardClientCertDetails as ForwardCert,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
  HttpConnectionManagerSchema,
  HttpFilterSchema,
  type HttpFilter,
} from "../../build/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { HeaderMutationSchema as EarlyMutationSchema } from "../../build/envoy-api/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.ts";
import { FractionalPercent_DenominatorType as Denominator } from "../../build/envoy-api/envoy/type/v3/percent_pb.ts";
import { bufferLimitBytes } from "./cluster-message.ts";
import type { MeshListener } from "./mesh.ts";
import { type Observability, unobserved } from "./observability.ts";
import type { MeshVirtualHost } from "./virtual-hosts.ts";
import { chainMatch, tcpProxyFilter } from "./tcp-proxy.ts";
import { type Fields, overAds, pack, seconds, socketAddress } from "./wire.ts";

/** Envoy's own fault filter, which throttles the responses that ours chooses: a Wasm filter cannot do it evenly. */
export const throttleFilter = "envoy.filters.http.fault";

/** Answers preflight requests on routes with a corsPolicy. */
export const corsFilter = "envoy.filters.http.cors";

/** By this header ours tells Envoy's how fast, in KiB per second. */
const throttleHeader = "x-envoy-fault-throughput-response";

/** The header by which a filter steers a request to another destination; never a client's. */
export const destinationHeader = "x-sluice-destination";

/** The header with the token of who may be told what was decided about a request. */
const explainHeader = "sluice-explain";

/** A place in the chain for a filter that arrives over ECDS; routes with policies switch it on. */
export interface FilterSlot {
  name: string;
  /** On for every request, also where no route matches. */
  always: boolean;
  typeUrl: string;
}

/** Of the chains of one port. */
export function listenerMessage(
  chains: readonly [MeshListener, ...MeshListener[]],
  slots: readonly FilterSlot[],
  observed: Observability = unobserved,
): Listener {
  const [{ name, host, port }] = chains;
  return create(ListenerSchema, {
    name,
    statPrefix: name,
    address: socketAddress(host, port),
    perConnectionBufferLimitBytes: bufferLimitBytes,
    filterChains: chains.flatMap((chain) => filterChain(chain, slots, observed)),
    listenerFilters: [
      ...(chains.some(({ restoresAddress }) => restoresAddress) ? [originalAddress()] : []),
      ...(chains.some(({ isTls }) => isTls) ? [tlsInspector()] : []),
    ],
  });
}

function filterChain(
  chain: MeshListener,
  slots: readonly FilterSlot[],
  observed: Observability,
): Fields<typeof FilterChainSchema>[] {
  const { serverNames, subnets, isTls, tls, tcp } = chain;
  const filter = tcp === undefined ? http(chain, slots, observed) : tcpProxyFilter(tcp, observed.accessLogs);
  if (filter === undefined) return [];
  const filterChainMatch = chainMatch({ sniHosts: serverNames, subnets });
  if (isTls) filterChainMatch.transportProtocol = "tls";
  if (chain.restoresAddress) {
    const direct = { filterChainMatch: { destinationPort: chain.port }, filters: [nowhere(), filter] };
    return [direct, { filters: [filter] }];
  }
  return [
    {
      ...(isTls || subnets.length > 0 ? { filterChainMatch } : {}),
      filters: [filter],
      ...(tls === undefined
        ? {}
        : { transportSocket: tls.socket, transportSocketConnectTimeout: seconds(15) }),
    },
  ];
}

const http = (chain: MeshListener, slots: readonly FilterSlot[], observed: Observability): Filter =>
  create(FilterSchema, {
    name: "envoy.filters.network.http_connection_manager",
    configType: {
      case: "typedConfig",
      value: pack(HttpConnectionManagerSchema, connectionManager(chain, slots, observed)),
    },
  });

/** Looks up where a connection was going before it was redirected here; others are left as they are. */
const originalAddress = () =>
  create(ListenerFilterSchema, {
    name: "envoy.filters.listener.original_dst",
    configType: { case: "typedConfig", value: pack(OriginalDstSchema, create(OriginalDstSchema)) },
  });

/**
 * A connection straight to the listener has no other address to go to: without this, where connections are
 * tracked, it would be sent to the listener again, and again.
 */
const nowhere = (): Filter =>
  create(FilterSchema, {
    name: "envoy.filters.network.set_filter_state",
    configType: {
      case: "typedConfig",
      value: pack(
        SetFilterStateSchema,
        create(SetFilterStateSchema, {
          onNewConnection: [
            {
              key: { case: "objectKey", value: "envoy.network.transport_socket.original_dst_address" },
              value: {
                case: "formatString",
                value: {
                  format: {
                    case: "textFormatSource",
                    value: { specifier: { case: "inlineString", value: "127.0.0.1:1" } },
                  },
                },
              },
            },
          ],
        }),
      ),
    },
  });

/** Reads which name a client asks for. */
const tlsInspector = () =>
  create(ListenerFilterSchema, {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: pack(TlsInspectorSchema, create(TlsInspectorSchema)) },
  });

function connectionManager(
  listener: MeshListener,
  slots: readonly FilterSlot[],
  { accessLogs, tracing, filters, explains }: Observability,
): HttpConnectionManager {
  return create(HttpConnectionManagerSchema, {
    statPrefix: listener.name,
    routeSpecifier: { case: "rds", value: { configSource: overAds, routeConfigName: listener.routeConfig } },
    httpFilters: [cors(), ...slots.map(slotFilter), ...filters, throttle(), router()],
    accessLog: accessLogs,
    ...(tracing === undefined ? {} : { tracing }),
    useRemoteAddress: true,
    // One request has one id on both sides of a call.
    preserveExternalRequestId: listener.ofSidecar !== undefined,
    // An empty list would mean the default: loopback and private addresses. No client has this one.
    internalAddressConfig: { unixSockets: false, cidrRanges: [{ addressPrefix: "0.0.0.0", prefixLen: 32 }] },
    earlyHeaderMutationExtensions: [
      {
        name: "envoy.http.early_header_mutation.header_mutation",
        typedConfig: pack(EarlyMutationSchema, removeControls(explains)),
      },
    ],
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_REDIRECT,
    ...clientCertificate(listener),
    serverHeaderTransformation: ServerHeader.PASS_THROUGH,
    commonHttpProtocolOptions: {
      idleTimeout: seconds(3600),
      headersWithUnderscoresAction: Underscores.REJECT_REQUEST,
    },
    http2ProtocolOptions: {
      maxConcurrentStreams: 100,
      initialStreamWindowSize: 65_536,
      initialConnectionWindowSize: 1_048_576,
    },
    // No request_timeout: it would end uploads and streams that are alive. Headers must come in time, and a
    // stream on which nothing moves is ended.
    requestHeadersTimeout: seconds(60),
    streamIdleTimeout: seconds(300),
    upgradeConfigs: [{ upgradeType: "websocket" }],
  });
}

/** The service is told of a certificate that was checked here, and of no other. */
const clientCertificate = ({ tls }: MeshListener): Fields<typeof HttpConnectionManagerSchema> =>
  tls?.asksClients === true
    ? {
        forwardClientCertDetails: ForwardCert.SANITIZE_SET,
        setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
      }
    : { forwardClientCertDetails: ForwardCert.SANITIZE };

/**
 * Before the first route is looked up: a client cannot choose a destination, nor dodge a policy on one. A token goes
 * where no filter of ours looks at it; where they do, the route table takes it off behind routes without any.
 */
const removeControls = (explains: boolean) =>
  create(EarlyMutationSchema, {
    mutations: [destinationHeader, ...(explains ? [] : [explainHeader])].map((value) =>
      create(HeaderMutationSchema, { action: { case: "remove", value } }),
    ),
  });

const slotFilter = ({ name, typeUrl, always }: FilterSlot): HttpFilter =>
  create(HttpFilterSchema, {
    name,
    disabled: !always,
    configType: { case: "configDiscovery", value: { configSource: overAds, typeUrls: [typeUrl] } },
  });

/** Off but on routes with a policy that throttles; there our filter lets no header of the client's pass. */
const throttle = (): HttpFilter =>
  create(HttpFilterSchema, {
    name: throttleFilter,
    disabled: true,
    configType: {
      case: "typedConfig",
      value: pack(
        HTTPFaultSchema,
        create(HTTPFaultSchema, {
          responseRateLimit: {
            limitType: { case: "headerLimit", value: {} },
            percentage: { numerator: 100, denominator: Denominator.HUNDRED },
          },
        }),
      ),
    },
  });

/** First, as in Istio: a preflight request is no request to limit or to steer. Off but on routes with a policy. */
const cors = (): HttpFilter =>
  create(HttpFilterSchema, {
    name: corsFilter,
    disabled: true,
    configType: { case: "typedConfig", value: pack(CorsSchema, create(CorsSchema)) },
  });

const router = (): HttpFilter =>
  create(HttpFilterSchema, {
    name: "envoy.filters.http.router",
    configType: { case: "typedConfig", value: pack(RouterSchema, create(RouterSchema)) },
  });

/** The route table without its routes. */
export function routeConfiguration(listener: MeshListener): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: listener.routeConfig,
    virtualHosts: listener.virtualHosts.filter((v) => v.domains.length > 0).map(virtualHostMessage),
    requestHeadersToRemove: [destinationHeader, throttleHeader, explainHeader],
    // A gateway has one port, so that the port in a Host header says nothing; the mesh's listener stands for
    // all the ports of all services, and its domains name them.
    ignorePortInHostMatching: listener.servers.length > 0,
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1_048_576,
  });
}

const virtualHostMessage = (v: MeshVirtualHost): VirtualHost =>
  create(VirtualHostSchema, {
    name: v.name,
    domains: [...v.domains],
    includeRequestAttemptCount: true,
    requireTls: v.requiresTls === true ? TlsRequirement.ALL : TlsRequirement.NONE,
  });
