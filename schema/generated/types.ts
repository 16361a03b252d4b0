// Types of the configurations. Generated from schema/; do not edit.
// Values stand as they were written: durations and timestamps are texts, percentages numbers or texts.

/** One condition on a text; empty: the text is present. */
export interface IstioStringMatch {
  /** Equal, byte for byte. */
  exact?: string;
  /** Starts with; a string prefix, not a path segment. */
  prefix?: string;
  /** Matches as a whole, RE2 syntax. */
  regex?: string;
}

/** Conditions on one request, all of which must hold. */
export interface HttpMatchRequest {
  /** Shown in explanations. */
  name?: string;
  /** The path without the query. */
  uri?: IstioStringMatch;
  /** `http` or `https`. */
  scheme?: IstioStringMatch;
  /** The HTTP method; case-sensitive. */
  method?: IstioStringMatch;
  /** The Host or :authority header. */
  authority?: IstioStringMatch;
  /** By header name. */
  headers?: Record<string, IstioStringMatch>;
  /** None of these may hold; an absent header satisfies it. */
  withoutHeaders?: Record<string, IstioStringMatch>;
  /** By parameter name; the first value counts. */
  queryParams?: Record<string, IstioStringMatch>;
  /** `uri` exact and prefix ignore case. Default: false. */
  ignoreUriCase?: boolean;
}

/** A port of a host. */
export interface PortSelector {
  /** The port's number. */
  number: number;
}

/** A host of the mesh, as a whole or one of its subsets. */
export interface ServiceDestination {
  /** The host's name; a short name is of the resource's namespace. */
  host: string;
  /** A subset that the host's DestinationRule defines. */
  subset?: string;
  /** Needed where the host has several ports. */
  port?: PortSelector;
}

/** Changes of headers. */
export interface HeaderOperations {
  /** Replaced, or added where absent. */
  set?: Record<string, string>;
  /** Appended as a further value. */
  add?: Record<string, string>;
  /** Removed with all their values. */
  remove?: string[];
}

/** Changes of the request's and the response's headers. */
export interface Headers {
  /** Before the request goes upstream. */
  request?: HeaderOperations;
  /** Before the response goes to the client. */
  response?: HeaderOperations;
}

/** A destination and its share of the requests. */
export interface HttpRouteDestination {
  /** Where the requests go. */
  destination: ServiceDestination;
  /** Relative to the sum of the weights; a single destination needs none. */
  weight?: number;
  /** Headers changed for this destination only. */
  headers?: Headers;
}

export type RedirectPortSelection = "FROM_PROTOCOL_DEFAULT" | "FROM_REQUEST_PORT";

export type RedirectScheme = "http" | "https";

/** Answers with a redirect. */
export interface HttpRedirect {
  /** Replaces the whole path. */
  uri?: string;
  /** Replaces the matched prefix of the path. */
  prefixRewrite?: string;
  /** Replaces the host. */
  authority?: string;
  /** Replaces the port. */
  port?: number;
  /** Port by protocol, or that of the request. */
  derivePort?: RedirectPortSelection;
  /** Replaces the scheme. */
  scheme?: RedirectScheme;
  /** The status that is answered. Default: 301. */
  redirectCode?: number;
}

/** The body that is answered. */
export interface HttpBody {
  /** As text. */
  string?: string;
  /** As base64. */
  bytes?: string;
}

/** Answers without asking any destination. */
export interface HttpDirectResponse {
  /** The status that is answered. */
  status: number;
  /** Absent: an empty body. */
  body?: HttpBody;
}

/** Changes path and host before the request goes upstream. */
export interface HttpRewrite {
  /** Replaces the matched prefix, or the whole of an exact match. */
  uri?: string;
  /** Replaces the host. */
  authority?: string;
}

/** When and how often a failed request is tried again. */
export interface HttpRetry {
  /** Retries after the first try; 0 switches them off. Default: 2. */
  attempts?: number;
  /** Of each try; default: the route's timeout. */
  perTryTimeout?: string;
  /** Envoy's conditions or status codes, separated by commas. Default: "connect-failure,refused-stream,unavailable,cancelled". */
  retryOn?: string;
}

/** One route; the first that matches takes the request. */
export interface HttpRoute {
  /** Name of the route in Envoy, and what a policy's sectionName refers to. */
  name?: string;
  /** Any of these; absent: every request. */
  match?: HttpMatchRequest[];
  /** Where the requests go, by weight. */
  route?: HttpRouteDestination[];
  /** Answers with a redirect. */
  redirect?: HttpRedirect;
  /** Answers at once. */
  directResponse?: HttpDirectResponse;
  /** Changes path and host. */
  rewrite?: HttpRewrite;
  /** Of the whole request; absent: none. */
  timeout?: string;
  /** Retries of failed requests. */
  retries?: HttpRetry;
  /** Headers changed on this route. */
  headers?: Headers;
}

/** Routes of the requests to some hosts. */
export interface VirtualServiceSpec {
  /** Host names, `*.suffix` or `*`. */
  hosts: string[];
  /** Gateways (`name` or `namespace/name`) that serve it; `mesh`, the default: the mesh's own listener. */
  gateways?: string[];
  /** Routes, in order. */
  http: HttpRoute[];
  /** Namespaces that see the resource: `.` its own, `*` all; default: all. */
  exportTo?: string[];
}

export type SimpleLb = "UNSPECIFIED" | "ROUND_ROBIN" | "LEAST_REQUEST" | "LEAST_CONN" | "RANDOM";

/** How an endpoint is chosen for each request. */
export interface LoadBalancerSettings {
  /** LEAST_REQUEST is the default; LEAST_CONN is its old name. */
  simple?: SimpleLb;
}

/** Limits of connections. */
export interface TcpSettings {
  /** Connections to the host at once, per proxy. */
  maxConnections?: number;
  /** Of a new connection. Default: "10s". */
  connectTimeout?: string;
}

/** Limits of requests. */
export interface HttpSettings {
  /** Requests that wait for a connection. */
  http1MaxPendingRequests?: number;
  /** Requests under way at once. */
  http2MaxRequests?: number;
  /** Requests on one connection; 0: no limit. */
  maxRequestsPerConnection?: number;
  /** Retries under way at once. */
  maxRetries?: number;
  /** An idle connection is closed after this. Default: "1h". */
  idleTimeout?: string;
}

/** Limits of connections and requests. */
export interface ConnectionPoolSettings {
  /** Of connections. */
  tcp?: TcpSettings;
  /** Of requests. */
  http?: HttpSettings;
}

/** How requests to a host, or to a subset, are balanced and limited. */
export interface TrafficPolicy {
  /** How an endpoint is chosen. */
  loadBalancer?: LoadBalancerSettings;
  /** Limits of connections and requests. */
  connectionPool?: ConnectionPoolSettings;
}

/** Endpoints of the host with some labels. */
export interface Subset {
  /** What a route's `destination.subset` refers to. */
  name: string;
  /** Labels that an endpoint must all have; absent: every endpoint. */
  labels?: Record<string, string>;
  /** In place of the host's, setting by setting. */
  trafficPolicy?: TrafficPolicy;
}

/** Subsets and traffic policy of a host. */
export interface DestinationRuleSpec {
  /** The host's name; a short name is of the resource's namespace. */
  host: string;
  /** Of the host, and of subsets that do not override it. */
  trafficPolicy?: TrafficPolicy;
  /** Named groups of endpoints. */
  subsets?: Subset[];
  /** Namespaces that see the resource: `.` its own, `*` all; default: all. */
  exportTo?: string[];
}

export type Protocol = "HTTP" | "HTTP2" | "GRPC";

/** The port of a server. */
export interface GatewayPort {
  /** The port to listen on. */
  number: number;
  /** HTTP, HTTP2 or GRPC. */
  protocol: Protocol;
  /** A label for the port. */
  name: string;
}

/** A port with the hosts that it serves. */
export interface GatewayServer {
  /** The port to listen on. */
  port: GatewayPort;
  /** Host names, `*.suffix` or `*`, each perhaps as `namespace/host`. */
  hosts: string[];
  /** What a policy's sectionName refers to. */
  name?: string;
}

/** Servers of a proxy at the edge. */
export interface GatewaySpec {
  /** Ports and hosts. */
  servers: GatewayServer[];
  /** Labels of the proxies that it configures; absent: every gateway. */
  selector?: Record<string, string>;
}

/** A port of the service. */
export interface ServicePort {
  /** The port that clients name. */
  number: number;
  /** What an endpoint's `ports` refers to. */
  name: string;
  /** HTTP, HTTP2 or GRPC. Default: "HTTP". */
  protocol?: Protocol;
  /** The port of the endpoints that name none; default: `number`. */
  targetPort?: number;
}

export type ServiceLocation = "MESH_EXTERNAL" | "MESH_INTERNAL";

export type Resolution = "STATIC" | "DNS";

/** One endpoint. */
export interface WorkloadEntry {
  /** An IP address; a host name where resolution is DNS. */
  address: string;
  /** Port numbers by the port's name. */
  ports?: Record<string, number>;
  /** What subsets select by. */
  labels?: Record<string, string>;
  /** Share of the requests, relative to the other endpoints; default: 1. */
  weight?: number;
}

/** Hosts, their ports and where their instances are. */
export interface ServiceEntrySpec {
  /** Full host names. */
  hosts: string[];
  /** The ports of the hosts. */
  ports: ServicePort[];
  /** Whether the service is part of the mesh. Default: "MESH_EXTERNAL". */
  location?: ServiceLocation;
  /** STATIC: the endpoints' addresses; DNS: the names are looked up. */
  resolution: Resolution;
  /** The instances; with DNS, absent: the hosts themselves. */
  endpoints?: WorkloadEntry[];
  /** Namespaces that see the resource: `.` its own, `*` all; default: all. */
  exportTo?: string[];
}

/** A resource to which a policy is attached. */
export interface TargetRef {
  /** API group, such as networking.istio.io. */
  group: string;
  /** VirtualService, HTTPRoute, GRPCRoute, Gateway, ServiceEntry, Service or EnvoyRoute. */
  kind: string;
  /** The resource's name; Envoy's route name for EnvoyRoute. */
  name: string;
  /** Default: the policy's own. */
  namespace?: string;
  /** `http[].name`, the route rule's name, or the listener's. */
  sectionName?: string;
  /** EnvoyRoute only: the virtual host's name. */
  virtualHost?: string;
}

/** One condition on a text; empty: the text is present. */
export interface StringMatch {
  /** Equal, byte for byte. */
  exact?: string;
  /** Starts with; a string prefix, not a path segment. */
  prefix?: string;
  /** Ends with. */
  suffix?: string;
  /** Occurs anywhere within. */
  contains?: string;
  /** Matches as a whole, RE2 syntax. */
  regex?: string;
  /** Equal to one of these; hashed. */
  in?: string[];
}

/** Conditions on one request, all of which must hold. */
export interface RequestMatch {
  /** Shown in explanations. */
  name?: string;
  /** The path without the query. */
  uri?: StringMatch;
  /** `http` or `https`. */
  scheme?: StringMatch;
  /** The HTTP method; case-sensitive. */
  method?: StringMatch;
  /** The Host or :authority header. */
  authority?: StringMatch;
  /** By header name; repeated values are tried one by one. */
  headers?: Record<string, StringMatch>;
  /** None of these may hold; an absent header satisfies it. */
  withoutHeaders?: Record<string, StringMatch>;
  /** By parameter name; the first value counts. */
  queryParams?: Record<string, StringMatch>;
  /** By cookie name. */
  cookies?: Record<string, StringMatch>;
  /** The client's address is in one of these CIDR ranges. */
  sourceIp?: string[];
  /** `uri` exact and prefix ignore the case of ASCII letters. Default: false. */
  ignoreUriCase?: boolean;
}

/** Where matching requests go. */
export interface Destination {
  /** Default: the host of the route's own destination. */
  host?: string;
  /** A subset of the host's DestinationRule. */
  subset?: string;
  /** Default: the port of the route's own destination. */
  port?: number;
}

/** A destination and its share. */
export interface WeightedDestination {
  /** Default: the host of the route's own destination. */
  host?: string;
  /** A subset of the host's DestinationRule. */
  subset?: string;
  /** Default: the port of the route's own destination. */
  port?: number;
  /** Relative to the sum of the weights. */
  weight: number;
}

/** A cookie, set when absent. */
export interface StickyCookie {
  /** The cookie's name. */
  name: string;
  /** Max-Age; 0s: a session cookie. Default: "0s". */
  ttl?: string;
}

/** The client's address. */
export type SourceIpKey = Record<string, never>;

/** What keeps a client on its destination; exactly one. */
export interface StickyBy {
  /** The value of this header. */
  header?: string;
  /** The value of this cookie. */
  cookie?: StickyCookie;
  /** The client's address. */
  sourceIp?: SourceIpKey;
}

/** Changes of headers, in the order remove, set, add. */
export interface HeaderChange {
  /** Replaced, or added where absent. */
  set?: Record<string, string>;
  /** Appended as a further value. */
  add?: Record<string, string>;
  /** Removed with all their values. */
  remove?: string[];
}

/** Changes of the request's and the response's headers. */
export interface HeaderChanges {
  /** Before the request goes upstream. */
  request?: HeaderChange;
  /** Before the response goes to the client. */
  response?: HeaderChange;
}

/** A rule; the first that matches decides. */
export interface HeaderRoutingRule {
  /** Shown in metrics and explanations. */
  name: string;
  /** Any of these; absent: every request. */
  match?: RequestMatch[];
  /** The one destination. */
  destination?: Destination;
  /** Several, by weight. */
  destinations?: WeightedDestination[];
  /** Keeps a client on its choice; absent: drawn per request. */
  stickyBy?: StickyBy;
  /** Headers changed for matching requests. */
  headers?: HeaderChanges;
}

/** Header-based routing on the routes that targetRefs name. */
export interface HeaderRoutingSpec {
  /** Absent: every route of the proxy. */
  targetRefs?: TargetRef[];
  /** In order; the first match wins, no match leaves Envoy's own route. */
  rules: HeaderRoutingRule[];
  /** Seed of sticky choices; default: the policy's namespace/name. */
  seed?: string;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** The routes on which a policy applies: by Envoy's names, or by host and path. */
export interface Attachment {
  /** Envoy's virtual host name, such as HOST:PORT. */
  virtualHost?: string;
  /** Envoy's route name; absent: every route of the virtual host. */
  route?: string;
  /** Host: exact, `*.suffix`, `prefix.*` or `*`. */
  host?: string;
  /** Condition on the path; absent: every path. */
  path?: StringMatch;
}

/** One policy with the routes that it applies to. */
export interface HeaderRoutingPolicy {
  /** namespace/name. */
  name: string;
  /** Absent: every request. */
  attach?: Attachment[];
  /** In order; the first match wins, no match leaves Envoy's own route. */
  rules: HeaderRoutingRule[];
  /** Seed of sticky choices; default: the policy's namespace/name. */
  seed?: string;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** Configuration of the header_routing filter. */
export interface HeaderRoutingConfig {
  /** From the most specific attachment to the least. */
  policies: HeaderRoutingPolicy[];
  /** Memory for one request's headers; more is answered 431. Default: 128. */
  arenaKiB?: number;
  /** Streams with state per worker. Default: 65536. */
  maxStreams?: number;
}
