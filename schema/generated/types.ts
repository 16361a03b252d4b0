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
  /** The port of the host that is addressed. */
  port?: number;
  /** Labels of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceLabels?: Record<string, string>;
  /** Namespace of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceNamespace?: string;
  /** Only on these Gateways, or `mesh`; some of those in `spec.gateways`. */
  gateways?: string[];
  /** No condition: Envoy counts the route's requests as `vhost.VIRTUALHOST.route.STATPREFIX.*`. */
  statPrefix?: string;
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

/** A VirtualService without hosts. */
export interface Delegate {
  /** Its name. */
  name: string;
  /** Default: that of this VirtualService. */
  namespace?: string;
}

/** Replaces whatever of the path, without the query, a regular expression finds. */
export interface RegexRewrite {
  /** RE2 syntax; found anywhere. */
  match: string;
  /** In its place; `\1` stands for the first group, `\0` for all that was found. */
  rewrite: string;
}

/** Changes path and host before the request goes upstream. */
export interface HttpRewrite {
  /** Replaces the matched prefix, or the whole of an exact match. */
  uri?: string;
  /** Replaces parts of the path by regular expression. */
  uriRegexRewrite?: RegexRewrite;
  /** Replaces the host. */
  authority?: string;
}

/** When and how often a failed request is tried again. Without it: twice. */
export interface HttpRetry {
  /** Retries after the first try; 0 switches them off. Default: 0. */
  attempts?: number;
  /** Of each try; default: the route's timeout. */
  perTryTimeout?: string;
  /** Envoy's conditions or status codes, separated by commas. Default: "connect-failure,refused-stream,unavailable,cancelled". */
  retryOn?: string;
  /** Upper bound of the wait before the first retry; later ones are longer, to ten times this. Default: "25ms". */
  backoff?: string;
  /** Retries also try localities of a lower priority. Default: false. */
  retryRemoteLocalities?: boolean;
  /** Retries avoid hosts tried before; default: true, and false where a consistent hash chooses. */
  retryIgnorePreviousHosts?: boolean;
}

/** A percentage, as Istio writes it. */
export interface IstioPercent {
  /** From 0 to 100. Default: 0. */
  value?: number | string;
}

/** A destination that gets a copy of the requests; what it answers is thrown away. */
export interface HttpMirrorPolicy {
  /** Where the copies go. */
  destination: ServiceDestination;
  /** Share of the requests that are copied; absent: all. */
  percentage?: IstioPercent;
}

/** Origins such as `https://shop.example.com`. */
export interface CorsOrigin {
  /** Equal, byte for byte. */
  exact?: string;
  /** Starts with; a string prefix, not a path segment. */
  prefix?: string;
  /** Matches as a whole, RE2 syntax. */
  regex?: string;
}

export type UnmatchedPreflights = "UNSPECIFIED" | "FORWARD" | "IGNORE";

/** Which pages of other origins may send requests and read what is answered. */
export interface CorsPolicy {
  /** Origins that are allowed; `exact: "*"` is all. */
  allowOrigins?: CorsOrigin[];
  /** The old way to write `allowOrigins`, exact ones only. */
  allowOrigin?: string[];
  /** Methods, in access-control-allow-methods. */
  allowMethods?: string[];
  /** Request headers, in access-control-allow-headers. */
  allowHeaders?: string[];
  /** Response headers that a page may read, in access-control-expose-headers. */
  exposeHeaders?: string[];
  /** How long a browser remembers the answer; whole seconds. */
  maxAge?: string;
  /** Whether requests may carry cookies, in access-control-allow-credentials. */
  allowCredentials?: boolean;
  /** FORWARD: a preflight request of another origin goes to the service; IGNORE: it is answered 200, with no CORS headers. Default: "FORWARD". */
  unmatchedPreflights?: UnmatchedPreflights;
}

/** Requests that are held before they go on. */
export interface HttpFaultDelay {
  /** How long. */
  fixedDelay: string;
  /** Share of the requests; absent: none. */
  percentage?: IstioPercent;
  /** The old way to write `percentage`. */
  percent?: number;
}

export type GrpcStatus = "OK" | "CANCELLED" | "UNKNOWN" | "INVALID_ARGUMENT" | "DEADLINE_EXCEEDED" | "NOT_FOUND" | "ALREADY_EXISTS" | "PERMISSION_DENIED" | "RESOURCE_EXHAUSTED" | "FAILED_PRECONDITION" | "ABORTED" | "OUT_OF_RANGE" | "UNIMPLEMENTED" | "INTERNAL" | "UNAVAILABLE" | "DATA_LOSS" | "UNAUTHENTICATED";

/** Requests that are answered in the service's place. */
export interface HttpFaultAbort {
  /** HTTP status. */
  httpStatus?: number;
  /** gRPC status by name. */
  grpcStatus?: GrpcStatus;
  /** Share of the requests; absent: none. */
  percentage?: IstioPercent;
}

/** Faults on the route's requests: the delay first, then the abort, each with dice of its own. */
export interface HttpFaultInjection {
  /** A delay. */
  delay?: HttpFaultDelay;
  /** An abort. */
  abort?: HttpFaultAbort;
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
  /** The routes of another VirtualService stand here, each narrowed to this route's `match` and with its settings where they have none. */
  delegate?: Delegate;
  /** Changes path and host. */
  rewrite?: HttpRewrite;
  /** Of the whole request; absent: none. */
  timeout?: string;
  /** Retries of failed requests. */
  retries?: HttpRetry;
  /** Headers changed on this route. */
  headers?: Headers;
  /** A destination that gets a copy of the requests. */
  mirror?: ServiceDestination;
  /** Several that get copies, each a share. */
  mirrors?: HttpMirrorPolicy[];
  /** Share of the requests that `mirror` gets; absent: all. */
  mirrorPercentage?: IstioPercent;
  /** The old way to write `mirrorPercentage`. */
  mirrorPercent?: number;
  /** Which other origins' pages may send requests. */
  corsPolicy?: CorsPolicy;
  /** Faults, injected by a FaultPolicy made from this. */
  fault?: HttpFaultInjection;
}

/** Conditions on a connection, all of which must hold. */
export interface TlsMatchAttributes {
  /** Names that the client asks for; each among the VirtualService's hosts, or narrower. */
  sniHosts: string[];
  /** Addresses connected to, as CIDR. Without effect on Gateways, as in Istio. */
  destinationSubnets?: string[];
  /** The port of the host that is addressed. */
  port?: number;
  /** Labels of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceLabels?: Record<string, string>;
  /** Namespace of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceNamespace?: string;
  /** Only on these Gateways, or `mesh`; some of those in `spec.gateways`. */
  gateways?: string[];
}

/** A destination and its share of the connections. */
export interface RouteDestination {
  /** Where the connections go. */
  destination: ServiceDestination;
  /** Relative to the sum of the weights; a single destination needs none. */
  weight?: number;
}

/** A route of TLS connections that are passed through as they are. */
export interface TlsRoute {
  /** Any of these. */
  match: TlsMatchAttributes[];
  /** Where the connections go, by weight. */
  route: RouteDestination[];
}

/** Conditions on a connection, all of which must hold. */
export interface L4MatchAttributes {
  /** Addresses connected to, as CIDR. Without effect on Gateways, as in Istio. */
  destinationSubnets?: string[];
  /** The port of the host that is addressed. */
  port?: number;
  /** Labels of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceLabels?: Record<string, string>;
  /** Namespace of the calling workload's proxy. Not looked at where `gateways` is given. */
  sourceNamespace?: string;
  /** Only on these Gateways, or `mesh`; some of those in `spec.gateways`. */
  gateways?: string[];
}

/** A route of TCP connections; the first that matches takes them. */
export interface TcpRoute {
  /** Any of these; absent: every connection. */
  match?: L4MatchAttributes[];
  /** Where the connections go, by weight. */
  route: RouteDestination[];
}

/** Routes of the requests to some hosts. */
export interface VirtualServiceSpec {
  /** Host names, `*.suffix` or `*`; none: routes for others to delegate to. */
  hosts?: string[];
  /** Gateways (`name` or `namespace/name`) that serve it; `mesh`, the default: the mesh's own listener and sidecars. */
  gateways?: string[];
  /** Routes of requests, in order. */
  http?: HttpRoute[];
  /** Routes of TLS connections that are passed through, by the name asked for. */
  tls?: TlsRoute[];
  /** Routes of TCP connections, in order. */
  tcp?: TcpRoute[];
  /** Namespaces that see the resource: `.` its own, `*` all; default: all. */
  exportTo?: string[];
}

export type SimpleLb = "UNSPECIFIED" | "ROUND_ROBIN" | "LEAST_REQUEST" | "LEAST_CONN" | "RANDOM" | "PASSTHROUGH";

/** An attribute of a cookie that Envoy sets, such as SameSite. */
export interface CookieAttribute {
  /** Its name. */
  name: string;
  /** Its value; absent: none. */
  value?: string;
}

/** The cookie whose value is hashed. */
export interface HashCookie {
  /** Its name. */
  name: string;
  /** Of a cookie that Envoy sets. */
  path?: string;
  /** Given: a request without the cookie gets one with this lifetime; 0s: until the browser ends. Absent: none is set. */
  ttl?: string;
  /** Further attributes of a cookie that Envoy sets. */
  attributes?: CookieAttribute[];
}

/** A ring of virtual nodes. */
export interface RingHash {
  /** Virtual nodes at least; more: more even. Default: 1024. */
  minimumRingSize?: number;
}

/** Maglev's table: faster than a ring, a little less stable when endpoints come and go. */
export interface Maglev {
  /** A prime number. Default: 65537. */
  tableSize?: number;
}

/** Requests with the same value go to the same endpoint, as long as it is there and healthy. */
export interface ConsistentHash {
  /** The header that is hashed. */
  httpHeaderName?: string;
  /** The cookie that is hashed. */
  httpCookie?: HashCookie;
  /** The client's address is hashed. */
  useSourceIp?: boolean;
  /** The query parameter that is hashed. */
  httpQueryParameterName?: string;
  /** The default. */
  ringHash?: RingHash;
  /** A table in place of the ring. */
  maglev?: Maglev;
  /** Old place of `ringHash.minimumRingSize`. */
  minimumRingSize?: number;
}

/** Shares of the localities for the requests from one. */
export interface LocalityDistribute {
  /** `region/zone/subzone` of the proxy; `region/*` for all below, `*` for all. */
  from: string;
  /** Percentages by locality; their sum is 100. Localities that are not named get nothing. */
  to: Record<string, number>;
}

/** Where requests go when a region has no healthy endpoints left. */
export interface LocalityFailover {
  /** The proxy's region. */
  from: string;
  /** The region that comes next. */
  to: string;
}

/** By region, zone and sub-zone of proxy and endpoints. */
export interface LocalityLbSetting {
  /** false: localities make no difference. Default: true. */
  enabled?: boolean;
  /** Fixed shares. */
  distribute?: LocalityDistribute[];
  /** The region that comes next; needs `outlierDetection`. */
  failover?: LocalityFailover[];
  /** Labels, `label` or `label=value`: endpoints that have the proxy's values of the first n come before those with fewer; needs `outlierDetection`. */
  failoverPriority?: string[];
}

/** Slow start of new endpoints; with ROUND_ROBIN and LEAST_REQUEST. */
export interface Warmup {
  /** Time until an endpoint has its full share. */
  duration: string;
  /** Of its share that an endpoint gets at the least. Default: 10. */
  minimumPercent?: number | string;
  /** Form of the rise: 1 is linear; above 1 it is fast at first. Above 0. Default: 1. */
  aggression?: number;
}

/** How an endpoint is chosen for each request. */
export interface LoadBalancerSettings {
  /** LEAST_REQUEST is the default; LEAST_CONN is its old name. PASSTHROUGH: the address that the client asked for. */
  simple?: SimpleLb;
  /** By hash of a header, cookie, query parameter or address. */
  consistentHash?: ConsistentHash;
  /** By region, zone and sub-zone. */
  localityLbSetting?: LocalityLbSetting;
  /** Slow start of new endpoints. */
  warmup?: Warmup;
  /** Old form of `warmup.duration`. */
  warmupDurationSecs?: string;
}

/** Probes on a connection on which nothing moves. */
export interface TcpKeepalive {
  /** Unanswered probes that end it; default: the system's. */
  probes?: number;
  /** Idle time before the first probe; default: the system's. */
  time?: string;
  /** Time between probes; default: the system's. */
  interval?: string;
}

/** Limits of connections. */
export interface TcpSettings {
  /** Connections to the host at once, per proxy. */
  maxConnections?: number;
  /** Of a new connection. Default: "10s". */
  connectTimeout?: string;
  /** TCP keepalive; absent: none. */
  tcpKeepalive?: TcpKeepalive;
  /** Longest life of a connection. */
  maxConnectionDuration?: string;
  /** An idle connection is closed after this; 0s: never. `http.idleTimeout` comes first. Default: "1h". */
  idleTimeout?: string;
}

export type H2UpgradePolicy = "DEFAULT" | "DO_NOT_UPGRADE" | "UPGRADE";

/** PINGs on HTTP/2 connections. */
export interface Http2KeepAlive {
  /** Time between PINGs. */
  interval: string;
  /** An answer later than this ends it. */
  timeout: string;
}

/** Limits of requests. */
export interface HttpSettings {
  /** Requests that wait for a connection; more are answered 503. */
  http1MaxPendingRequests?: number;
  /** Requests under way at once; more are answered 503. */
  http2MaxRequests?: number;
  /** Requests on one connection; 1: no keep-alive. */
  maxRequestsPerConnection?: number;
  /** Retries under way at once. */
  maxRetries?: number;
  /** An idle connection is closed after this. Default: "1h". */
  idleTimeout?: string;
  /** UPGRADE: HTTP/2 to the host whatever its port says. DEFAULT: as the port's protocol says. */
  h2UpgradePolicy?: H2UpgradePolicy;
  /** HTTP/1.1 or HTTP/2, as the client does. Default: false. */
  useClientProtocol?: boolean;
  /** Streams on one HTTP/2 connection. */
  maxConcurrentStreams?: number;
  /** PINGs on HTTP/2 connections; absent: none. */
  http2KeepAlive?: Http2KeepAlive;
}

/** Limits of connections and requests. */
export interface ConnectionPoolSettings {
  /** Of connections. */
  tcp?: TcpSettings;
  /** Of requests. */
  http?: HttpSettings;
}

/** Endpoints that fail are left out for a while. */
export interface OutlierDetection {
  /** Answers of 500 to 599 in a row, failed connections among them; 0: does not count. Default: 5. */
  consecutive5xxErrors?: number;
  /** Answers of 502, 503 or 504 in a row, failed connections among them; absent or 0: does not count. */
  consecutiveGatewayErrors?: number;
  /** Time between looks at who may return. Default: "10s". */
  interval?: string;
  /** How long an endpoint is left out the first time; the n-th time n times as long. Default: "30s". */
  baseEjectionTime?: string;
  /** Endpoints left out at once, in percent; one may always be. 0 is read as the default. Default: 10. */
  maxEjectionPercent?: number;
  /** With fewer healthy endpoints than this, in percent, all of them get requests again (panic). Default: 0. */
  minHealthPercent?: number;
  /** Failed connections and timeouts are counted by themselves. Default: false. */
  splitExternalLocalOriginErrors?: boolean;
  /** Failed connections and timeouts in a row; with `splitExternalLocalOriginErrors`. Default: 5. */
  consecutiveLocalOriginFailures?: number;
  /** The only answers that count as errors, in place of 500 to 599. */
  outlierDetectionHttpErrorCodes?: number[];
}

export type ClientTlsMode = "DISABLE" | "SIMPLE" | "MUTUAL";

/** TLS to the host. Files are read anew when they change; relative paths begin at the folder of the YAML file. */
export interface ClientTls {
  /** MUTUAL: with a certificate of the proxy's own. */
  mode: ClientTlsMode;
  /** File with the proxy's certificate chain, PEM. MUTUAL only. */
  clientCertificate?: string;
  /** File with its key, PEM. MUTUAL only. */
  privateKey?: string;
  /** File with the authorities that may have signed the host's certificate; default: the system's. */
  caCertificates?: string;
  /** File with certificates that are revoked, PEM. */
  caCrl?: string;
  /** One of these must be in the host's certificate; default: the ServiceEntry's, else the name asked for. */
  subjectAltNames?: string[];
  /** Name asked for; default: the request's Host. */
  sni?: string;
  /** Any certificate is accepted: whoever sits in between reads and changes everything. Default: false. */
  insecureSkipVerify?: boolean;
  /** A Secret of the rule's namespace with `ca.crt`, and for MUTUAL with `tls.crt` and `tls.key`, in place of the files. */
  credentialName?: string;
}

/** Settings of one port: nothing is taken over from those for all ports. */
export interface PortTrafficPolicy {
  /** The port of the host. */
  port: PortSelector;
  /** How an endpoint is chosen. */
  loadBalancer?: LoadBalancerSettings;
  /** Limits of connections and requests. */
  connectionPool?: ConnectionPoolSettings;
  /** Endpoints that fail are left out for a while. */
  outlierDetection?: OutlierDetection;
  /** TLS to the host. */
  tls?: ClientTls;
}

export type ProxyProtocolVersion = "V1" | "V2";

/** The client's address, told to the host in front of each connection. */
export interface ProxyProtocol {
  /** V1 is text. Default: "V1". */
  version?: ProxyProtocolVersion;
}

/** Retries under way at once, in proportion to the requests under way. */
export interface RetryBudget {
  /** Of the requests under way and waiting. Default: 20. */
  percent?: number | string;
  /** Retries that are always allowed at once. 0 is read as the default. Default: 3. */
  minRetryConcurrency?: number;
  /** Requests of this time count too. Default: "0s". */
  budgetInterval?: string;
}

/** How requests to a host, or to a subset, are balanced, limited and secured. */
export interface TrafficPolicy {
  /** How an endpoint is chosen. */
  loadBalancer?: LoadBalancerSettings;
  /** Limits of connections and requests. */
  connectionPool?: ConnectionPoolSettings;
  /** Endpoints that fail are left out for a while. */
  outlierDetection?: OutlierDetection;
  /** TLS to the host. */
  tls?: ClientTls;
  /** Settings of single ports, in place of the four above as a whole. */
  portLevelSettings?: PortTrafficPolicy[];
  /** The PROXY protocol to the host. */
  proxyProtocol?: ProxyProtocol;
  /** In place of `connectionPool.http.maxRetries`. */
  retryBudget?: RetryBudget;
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

/** Which proxies the rule is for. */
export interface DestinationRuleWorkloads {
  /** Labels that the proxy must all have. */
  matchLabels?: Record<string, string>;
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
  /** Only for the proxies of its own namespace with these labels, before any rule for all. */
  workloadSelector?: DestinationRuleWorkloads;
}

export type GatewayProtocol = "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTPS" | "TLS" | "TCP" | "MONGO" | "MYSQL" | "REDIS";

/** The port of a server. */
export interface GatewayPort {
  /** The port to listen on. */
  number: number;
  /** HTTP, HTTP2, GRPC: requests in plain text. HTTPS: requests in TLS. TLS: connections by the name asked for. TCP: connections. */
  protocol: GatewayProtocol;
  /** A label for the port. */
  name: string;
}

export type ServerTlsMode = "PASSTHROUGH" | "SIMPLE" | "MUTUAL" | "OPTIONAL_MUTUAL";

/** A certificate with its key, from files. */
export interface ServerCertificate {
  /** File with the certificate chain, PEM. */
  serverCertificate: string;
  /** File with its key, PEM. */
  privateKey: string;
  /** File with the authorities of client certificates, PEM. */
  caCertificates?: string;
}

export type TlsVersion = "TLS_AUTO" | "TLSV1_0" | "TLSV1_1" | "TLSV1_2" | "TLSV1_3";

export type CipherSuite = "ECDHE-ECDSA-AES128-GCM-SHA256" | "ECDHE-RSA-AES128-GCM-SHA256" | "ECDHE-ECDSA-AES256-GCM-SHA384" | "ECDHE-RSA-AES256-GCM-SHA384" | "ECDHE-ECDSA-CHACHA20-POLY1305" | "ECDHE-RSA-CHACHA20-POLY1305" | "ECDHE-PSK-CHACHA20-POLY1305" | "ECDHE-ECDSA-AES128-SHA" | "ECDHE-RSA-AES128-SHA" | "ECDHE-PSK-AES128-CBC-SHA" | "AES128-GCM-SHA256" | "AES128-SHA" | "PSK-AES128-CBC-SHA" | "ECDHE-ECDSA-AES256-SHA" | "ECDHE-RSA-AES256-SHA" | "ECDHE-PSK-AES256-CBC-SHA" | "AES256-GCM-SHA384" | "AES256-SHA" | "PSK-AES256-CBC-SHA";

/** TLS of the server. Files are read anew when they change; relative paths begin at the YAML file's folder. */
export interface ServerTls {
  /** Requests in plain HTTP are redirected (301) to https. On a server of protocol HTTP only. Default: false. */
  httpsRedirect?: boolean;
  /** SIMPLE: the proxy's certificate. MUTUAL: the client's too. OPTIONAL_MUTUAL: the client's if it has one. PASSTHROUGH: bytes, by the name that the client asks for. Default: "PASSTHROUGH". */
  mode?: ServerTlsMode;
  /** File with the certificate chain, PEM. */
  serverCertificate?: string;
  /** File with its key, PEM. */
  privateKey?: string;
  /** File with the authorities of client certificates, PEM. */
  caCertificates?: string;
  /** File with client certificates that are revoked, PEM. */
  caCrl?: string;
  /** A Secret of the Gateway's namespace, in place of the files: tls.crt, tls.key, ca.crt. */
  credentialName?: string;
  /** Two of them, one with an RSA and one with an ECDSA key. */
  credentialNames?: string[];
  /** A Secret with ca.crt: the authorities of client certificates. */
  caCertCredentialName?: string;
  /** In place of serverCertificate and privateKey: one with an RSA and one with an ECDSA key. */
  tlsCertificates?: ServerCertificate[];
  /** One of these must be in the client's certificate. */
  subjectAltNames?: string[];
  /** Base64 of SHA-256 of the public key; the client's certificate must have one of these. */
  verifyCertificateSpki?: string[];
  /** Hex of SHA-256 of the client's certificate; it must be one of these. */
  verifyCertificateHash?: string[];
  /** The oldest version; TLS_AUTO: TLSV1_2. Default: "TLSV1_2". */
  minProtocolVersion?: TlsVersion;
  /** The newest version; TLS_AUTO: TLSV1_3. Default: "TLS_AUTO". */
  maxProtocolVersion?: TlsVersion;
  /** Of TLS 1.2 and older; those of 1.3 are fixed. Default: Envoy's. */
  cipherSuites?: CipherSuite[];
}

/** A port with the hosts that it serves. */
export interface GatewayServer {
  /** The port to listen on. */
  port: GatewayPort;
  /** Host names, `*.suffix` or `*`, each perhaps as `namespace/host`. */
  hosts: string[];
  /** What a policy's sectionName refers to. */
  name?: string;
  /** IP address to listen on; default: that of `--listen`. */
  bind?: string;
  /** Needed for HTTPS and TLS. */
  tls?: ServerTls;
}

/** Servers of a proxy at the edge. */
export interface GatewaySpec {
  /** Ports and hosts. */
  servers: GatewayServer[];
  /** Labels of the proxies that it configures; absent: every gateway. */
  selector?: Record<string, string>;
}

export type ServiceProtocol = "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTPS" | "TLS" | "TCP" | "MONGO" | "MYSQL" | "REDIS";

/** A port of the service. */
export interface ServicePort {
  /** The port that clients name. */
  number: number;
  /** What an endpoint's `ports` refers to. */
  name: string;
  /** HTTP2 and GRPC: HTTP/2 to the endpoints. HTTPS and TLS: passed through. TCP, MONGO, MYSQL, REDIS: bytes. Default: "HTTP". */
  protocol?: ServiceProtocol;
  /** The port of the endpoints that name none; default: `number`. */
  targetPort?: number;
}

export type ServiceLocation = "MESH_EXTERNAL" | "MESH_INTERNAL";

export type Resolution = "NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS";

/** One instance of a service. */
export interface WorkloadEntry {
  /** An IP address, or `unix://` and a socket's path; a host name where resolution is DNS. */
  address: string;
  /** Port numbers by the port's name; default: the service's `targetPort`, else its `number`. */
  ports?: Record<string, number>;
  /** What subsets and `workloadSelector` select by. */
  labels?: Record<string, string>;
  /** Share of the requests, relative to the other endpoints; default: 1. */
  weight?: number;
  /** `region/zone/subzone`, of which the latter may be absent; see `localityLbSetting`. */
  locality?: string;
  /** The label `topology.istio.io/network` for `failoverPriority`; endpoints are reached directly all the same. */
  network?: string;
}

/** Which WorkloadEntries of the namespace are instances. */
export interface WorkloadSelector {
  /** Labels that they must all have. */
  labels?: Record<string, string>;
}

/** Hosts, their ports and where their instances are. */
export interface ServiceEntrySpec {
  /** Full host names; patterns such as `*.example.com` with resolution NONE and DYNAMIC_DNS. */
  hosts: string[];
  /** The ports of the hosts. */
  ports: ServicePort[];
  /** Virtual addresses of the service: further names of it in a Host header; for TCP and TLS the proxy listens on those that are the machine's own, such as 127.0.10.1. */
  addresses?: string[];
  /** Whether the service is part of the mesh. It makes no difference here. Default: "MESH_EXTERNAL". */
  location?: ServiceLocation;
  /** STATIC: the endpoints' addresses. DNS: all addresses of the names; DNS_ROUND_ROBIN: the first one at each connection. NONE, DYNAMIC_DNS: the name in the request's Host header is looked up. Default: "NONE". */
  resolution?: Resolution;
  /** The instances; with DNS, absent: the hosts themselves. */
  endpoints?: WorkloadEntry[];
  /** In place of `endpoints`: WorkloadEntries of the same namespace. */
  workloadSelector?: WorkloadSelector;
  /** One of these must be in the host's certificate, where the DestinationRule's `tls` names none. */
  subjectAltNames?: string[];
  /** Namespaces that see the resource: `.` its own, `*` all; default: all. */
  exportTo?: string[];
}

export type ListenerProtocol = "HTTP" | "HTTPS";

export type ListenerTlsMode = "Terminate";

/** A Secret with tls.crt and tls.key. */
export interface CertificateReference {
  /** The group. Default: "". */
  group?: string;
  /** Secret. Default: "Secret". */
  kind?: string;
  /** The Secret's name. */
  name: string;
  /** Default: the Gateway's; another one must allow it by a ReferenceGrant. */
  namespace?: string;
}

/** TLS of the listener. */
export interface ListenerTls {
  /** TLS ends here. Default: "Terminate". */
  mode?: ListenerTlsMode;
  /** The certificates; two: one with an RSA and one with an ECDSA key. */
  certificateRefs?: CertificateReference[];
}

export type FromNamespaces = "All" | "Selector" | "Same";

export type SelectorOperator = "In" | "NotIn" | "Exists" | "DoesNotExist";

/** A condition on one label. */
export interface SelectorExpression {
  /** The label. */
  key: string;
  /** How it is compared. */
  operator: SelectorOperator;
  /** With In and NotIn. */
  values?: string[];
}

/** Namespaces by their labels; here each has one, `kubernetes.io/metadata.name`. */
export interface NamespaceSelector {
  /** Labels that a namespace must have. */
  matchLabels?: Record<string, string>;
  /** Conditions that must all hold. */
  matchExpressions?: SelectorExpression[];
}

/** Of which namespaces. */
export interface RouteNamespaces {
  /** Same: the Gateway's own. Default: "Same". */
  from?: FromNamespaces;
  /** With Selector. */
  selector?: NamespaceSelector;
}

export type RouteKind = "HTTPRoute" | "GRPCRoute";

/** A kind of route. */
export interface RouteGroupKind {
  /** The group. Default: "gateway.networking.k8s.io". */
  group?: string;
  /** HTTPRoute or GRPCRoute. */
  kind: RouteKind;
}

/** Which routes may be attached. */
export interface AllowedRoutes {
  /** Of which namespaces; default: the Gateway's own. */
  namespaces?: RouteNamespaces;
  /** Default: both. */
  kinds?: RouteGroupKind[];
}

/** A port with the hosts that it serves. */
export interface GatewayListener {
  /** What a route's or policy's sectionName refers to. */
  name: string;
  /** The host, or `*.suffix`; default: every one. */
  hostname?: string;
  /** The port to listen on. */
  port: number;
  /** HTTP, or HTTPS with `tls`. */
  protocol: ListenerProtocol;
  /** Needed for HTTPS. */
  tls?: ListenerTls;
  /** Default: routes of the Gateway's own namespace. */
  allowedRoutes?: AllowedRoutes;
}

/** Listeners of a proxy at the edge. */
export interface ApiGatewaySpec {
  /** Any: the folder has one kind of proxy. */
  gatewayClassName: string;
  /** Ports and hosts. */
  listeners: GatewayListener[];
}

/** A Gateway, or one listener of it. */
export interface ParentReference {
  /** The group. Default: "gateway.networking.k8s.io". */
  group?: string;
  /** Gateway. Default: "Gateway". */
  kind?: string;
  /** The Gateway's name. */
  name: string;
  /** Its namespace; default: the route's. */
  namespace?: string;
  /** A listener's name; default: all that allow the route. */
  sectionName?: string;
  /** Only listeners on this port. */
  port?: number;
}

export type RoutePathMatchType = "Exact" | "PathPrefix" | "RegularExpression";

/** A condition on the path. */
export interface RoutePathMatch {
  /** PathPrefix goes by whole segments: /a is a prefix of /a and /a/b, not of /ab. Default: "PathPrefix". */
  type?: RoutePathMatchType;
  /** The path, or the expression (RE2, of the whole path). Default: "/". */
  value?: string;
}

export type RouteMatchType = "Exact" | "RegularExpression";

/** A condition on a header. */
export interface RouteHeaderMatch {
  /** How it is compared; a RegularExpression is RE2 and must match the whole value. Default: "Exact". */
  type?: RouteMatchType;
  /** The header's name. */
  name: string;
  /** The value, or the expression. */
  value: string;
}

/** A condition on a query parameter. */
export interface RouteQueryMatch {
  /** How it is compared. Default: "Exact". */
  type?: RouteMatchType;
  /** The parameter's name. */
  name: string;
  /** The value, or the expression. */
  value: string;
}

export type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE" | "PATCH";

/** Conditions, all of which must hold. */
export interface HttpRouteMatch {
  /** On the path; default: any. */
  path?: RoutePathMatch;
  /** Conditions on headers, all of which must hold. */
  headers?: RouteHeaderMatch[];
  /** Conditions on query parameters, all of which must hold. */
  queryParams?: RouteQueryMatch[];
  /** The method. */
  method?: HttpMethod;
}

export type HttpFilterType = "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestMirror" | "RequestRedirect" | "URLRewrite" | "CORS";

/** A header with its value. */
export interface NamedHeader {
  /** The name. */
  name: string;
  /** The value. */
  value: string;
}

/** Changes of headers. */
export interface HeaderModifier {
  /** Replaced, or added where absent. */
  set?: NamedHeader[];
  /** Appended as a further value. */
  add?: NamedHeader[];
  /** Removed with all their values. */
  remove?: string[];
}

/** A host of the mesh. */
export interface BackendReference {
  /** The group: "" for Service, networking.istio.io for Hostname. Default: "". */
  group?: string;
  /** Service: the host NAME.NAMESPACE.svc.cluster.local; Hostname: `name` is the host. Default: "Service". */
  kind?: string;
  /** The Service's name, or the host. */
  name: string;
  /** Default: the route's; another one must allow it by a ReferenceGrant. */
  namespace?: string;
  /** The port; needed for a Service. */
  port?: number;
}

/** A part of a whole. */
export interface Fraction {
  /** The part. */
  numerator: number;
  /** The whole. Default: 100. */
  denominator?: number;
}

/** Copies of requests, whose answers are dropped. */
export interface RequestMirror {
  /** Where they go. */
  backendRef: BackendReference;
  /** How many of the requests, in percent; default: all. */
  percent?: number;
  /** How many of the requests, as a fraction. */
  fraction?: Fraction;
}

export type PathModifierType = "ReplaceFullPath" | "ReplacePrefixMatch";

/** A new path. */
export interface PathModifier {
  /** Which part of it is replaced. */
  type: PathModifierType;
  /** In place of the whole path. */
  replaceFullPath?: string;
  /** In place of the prefix that matched. */
  replacePrefixMatch?: string;
}

/** An answer that sends the client elsewhere. */
export interface RequestRedirect {
  /** Default: the request's. */
  scheme?: RedirectScheme;
  /** Default: the request's. */
  hostname?: string;
  /** Default: the request's. */
  path?: PathModifier;
  /** Default: that of the scheme, else the listener's. */
  port?: number;
  /** The status. Default: 302. */
  statusCode?: number;
}

/** Changes of the request's URL on its way. */
export interface UrlRewrite {
  /** In place of the Host header. */
  hostname?: string;
  /** The new path. */
  path?: PathModifier;
}

export type CorsMethod = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "CONNECT" | "OPTIONS" | "TRACE" | "PATCH" | "*";

/** Which pages of other origins may call. */
export interface RouteCors {
  /** Origins; `*`, or `*` in front of a host's suffix. */
  allowOrigins?: string[];
  /** Whether browsers may send cookies. */
  allowCredentials?: boolean;
  /** Methods, or `*`. */
  allowMethods?: CorsMethod[];
  /** Headers that a request may have, or `*`. */
  allowHeaders?: string[];
  /** Headers that the page may read, or `*`. */
  exposeHeaders?: string[];
  /** Seconds for which this may be remembered. Default: 5. */
  maxAge?: number;
}

/** What is done to requests and answers. */
export interface HttpRouteFilter {
  /** Which field it has. */
  type: HttpFilterType;
  /** Of type RequestHeaderModifier. */
  requestHeaderModifier?: HeaderModifier;
  /** Of type ResponseHeaderModifier. */
  responseHeaderModifier?: HeaderModifier;
  /** Of type RequestMirror. */
  requestMirror?: RequestMirror;
  /** Of type RequestRedirect. */
  requestRedirect?: RequestRedirect;
  /** Of type URLRewrite. */
  urlRewrite?: UrlRewrite;
  /** Of type CORS. */
  cors?: RouteCors;
}

export type BackendFilterType = "RequestHeaderModifier" | "ResponseHeaderModifier";

/** What is done to the requests to one backend and to its answers. */
export interface BackendFilter {
  /** Which field it has. */
  type: BackendFilterType;
  /** Of type RequestHeaderModifier. */
  requestHeaderModifier?: HeaderModifier;
  /** Of type ResponseHeaderModifier. */
  responseHeaderModifier?: HeaderModifier;
}

/** A host of the mesh with its share of the requests. */
export interface HttpBackendReference {
  /** The group: "" for Service, networking.istio.io for Hostname. Default: "". */
  group?: string;
  /** Service: the host NAME.NAMESPACE.svc.cluster.local; Hostname: `name` is the host. Default: "Service". */
  kind?: string;
  /** The Service's name, or the host. */
  name: string;
  /** Default: the route's; another one must allow it by a ReferenceGrant. */
  namespace?: string;
  /** The port; needed for a Service. */
  port?: number;
  /** Its share among the others'. Default: 1. */
  weight?: number;
  /** For this backend only. */
  filters?: BackendFilter[];
}

/** How long a request may take; 0s: for ever. */
export interface RouteTimeouts {
  /** From its arrival to the whole answer. */
  request?: string;
  /** Each attempt. */
  backendRequest?: string;
}

/** Conditions, one of which must hold, and what is then done. */
export interface HttpRouteRule {
  /** What a policy's sectionName refers to. */
  name?: string;
  /** Default: every request. */
  matches?: HttpRouteMatch[];
  /** What is done to requests and answers. */
  filters?: HttpRouteFilter[];
  /** Where requests go; none: they are answered 500. */
  backendRefs?: HttpBackendReference[];
  /** Default: none. */
  timeouts?: RouteTimeouts;
}

/** Routes of requests behind a Gateway. */
export interface HttpRouteSpec {
  /** Gateways that the route is for. */
  parentRefs?: ParentReference[];
  /** Host names, or `*.suffix`; default: those of the listeners. */
  hostnames?: string[];
  /** Which of several rules applies: the Gateway API's order. */
  rules?: HttpRouteRule[];
}

/** A condition on the call's service and method. */
export interface GrpcMethodMatch {
  /** How they are compared. Default: "Exact". */
  type?: RouteMatchType;
  /** The full name, such as `shop.v1.Search`. */
  service?: string;
  /** The method's name. */
  method?: string;
}

/** Conditions, all of which must hold. */
export interface GrpcRouteMatch {
  /** On service and method; default: any. */
  method?: GrpcMethodMatch;
  /** Conditions on headers, all of which must hold. */
  headers?: RouteHeaderMatch[];
}

export type GrpcFilterType = "RequestHeaderModifier" | "ResponseHeaderModifier" | "RequestMirror";

/** What is done to calls and answers. */
export interface GrpcRouteFilter {
  /** Which field it has. */
  type: GrpcFilterType;
  /** Of type RequestHeaderModifier. */
  requestHeaderModifier?: HeaderModifier;
  /** Of type ResponseHeaderModifier. */
  responseHeaderModifier?: HeaderModifier;
  /** Of type RequestMirror. */
  requestMirror?: RequestMirror;
}

/** A host of the mesh with its share of the calls. */
export interface GrpcBackendReference {
  /** The group: "" for Service, networking.istio.io for Hostname. Default: "". */
  group?: string;
  /** Service: the host NAME.NAMESPACE.svc.cluster.local; Hostname: `name` is the host. Default: "Service". */
  kind?: string;
  /** The Service's name, or the host. */
  name: string;
  /** Default: the route's; another one must allow it by a ReferenceGrant. */
  namespace?: string;
  /** The port; needed for a Service. */
  port?: number;
  /** Its share among the others'. Default: 1. */
  weight?: number;
  /** For this backend only. */
  filters?: BackendFilter[];
}

/** Conditions, one of which must hold, and what is then done. */
export interface GrpcRouteRule {
  /** What a policy's sectionName refers to. */
  name?: string;
  /** Default: every call. */
  matches?: GrpcRouteMatch[];
  /** What is done to calls and answers. */
  filters?: GrpcRouteFilter[];
  /** Where calls go; none: they fail with UNAVAILABLE. */
  backendRefs?: GrpcBackendReference[];
}

/** Routes of gRPC calls behind a Gateway. */
export interface GrpcRouteSpec {
  /** Gateways that the route is for. */
  parentRefs?: ParentReference[];
  /** Host names, or `*.suffix`; default: those of the listeners. */
  hostnames?: string[];
  /** Which of several rules applies: the Gateway API's order. */
  rules?: GrpcRouteRule[];
}

/** Who refers. */
export interface GrantFrom {
  /** The group, such as sluice.traffic. */
  group: string;
  /** The kind, such as RateLimitPolicy. */
  kind: string;
  /** The namespace. */
  namespace: string;
}

/** What is referred to. */
export interface GrantTo {
  /** The group; "" for Service and Secret. */
  group: string;
  /** The kind, such as HTTPRoute. */
  kind: string;
  /** The name; default: all of the kind. */
  name?: string;
}

/** Leave for others to refer to resources of this namespace. */
export interface ReferenceGrantSpec {
  /** Who may refer. */
  from: GrantFrom[];
  /** To what. */
  to: GrantTo[];
}

/** A certificate with its key, for `credentialName`. */
export interface SecretSpec {
  /** `kubernetes.io/tls`, or Opaque as Istio allows. */
  type?: string;
  /** In base64: `tls.crt`, `tls.key`, `ca.crt`, `ca.crl`; in Opaque ones also `cert`, `key`, `cacert`. */
  data?: Record<string, string>;
  /** The same as plain text; goes before `data`. */
  stringData?: Record<string, string>;
  /** For Kubernetes; it changes nothing here. */
  immutable?: boolean;
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

/** The client's address, or the network that it is in. */
export interface RateLimitSourceIp {
  /** Bits of an IPv4 address that count. Default: 32. */
  ipv4Prefix?: number;
  /** Bits of an IPv6 address that count; one client commonly owns a whole /64. Default: 64. */
  ipv6Prefix?: number;
}

/** The path. */
export type RateLimitPath = Record<string, never>;

/** The method. */
export type RateLimitMethod = Record<string, never>;

/** A part of the key; exactly one. */
export interface RateLimitKeyPart {
  /** The first value of this header. */
  header?: string;
  /** The first value of this parameter, as it is written. */
  queryParam?: string;
  /** The value of this cookie. */
  cookie?: string;
  /** The client's address. */
  sourceIp?: RateLimitSourceIp;
  /** The path without the query. */
  path?: RateLimitPath;
  /** The HTTP method. */
  method?: RateLimitMethod;
}

export type WhenKeyMissing = "share" | "skip" | "deny";

/** What a request costs, from one of its headers. */
export interface RateLimitCost {
  /** A whole number from 1; absent: 1; anything else: 1, and counted. */
  header: string;
  /** More counts as this much. Default: 1000. */
  max?: number;
}

/** Another rate for some keys or requests; the first that applies counts. */
export interface RateLimitOverride {
  /** Values of the key's first part; the key keeps its bucket when it moves between overrides. */
  values?: string[];
  /** Requests, which get a bucket of their own, per key where there is one. */
  match?: RequestMatch[];
  /** How many requests, or units of cost, `per` lets through in the long run. */
  requests: number;
  /** Default: the limit's. */
  per?: string;
  /** Default: `requests` of this override. */
  burst?: number;
}

export type OnFull = "evict" | "refuse";

/** One limit; a request must be admitted by all of them. */
export interface RateLimit {
  /** Shown in answers, metrics and explanations; the bucket's state follows it. */
  name: string;
  /** Any of these; absent: every request. */
  match?: RequestMatch[];
  /** A bucket for each combination of these; absent: one bucket. */
  key?: RateLimitKeyPart[];
  /** A part of the key is absent: one bucket for all such requests, no limit, or refusal. Default: "share". */
  whenKeyMissing?: WhenKeyMissing;
  /** How many requests, or units of cost, `per` lets through in the long run. */
  requests: number;
  /** The time in which `requests` are let through. */
  per: string;
  /** How many at once, after a rest; default: `requests`. */
  burst?: number;
  /** Absent: 1. */
  cost?: RateLimitCost;
  /** Other rates; the first that applies counts. */
  overrides?: RateLimitOverride[];
  /** false: counted, never refused. Default: true. */
  enforce?: boolean;
  /** Keys that are remembered at the same time while their buckets are not full. Default: 10000. */
  maxKeys?: number;
  /** Show the 20 keys that are refused most, by name, in sluice_rate_limit_refused_keys_total. Keys may be personal data. Default: false. */
  showKeys?: boolean;
  /** No room for a new key: the bucket nearest to full is forgotten, or the new key is refused. Default: "evict". */
  onFull?: OnFull;
}

export type RateLimitHeaders = "ietf" | "draft03";

export type RateLimitHeadersWhen = "refusal" | "always";

/** How a refused request is answered. */
export interface RateLimitResponse {
  /** HTTP status; gRPC gets RESOURCE_EXHAUSTED. Default: 429. */
  status?: number;
  /** With %POLICY%, %LIMIT%, %REQUESTS%, %PER%, %BURST%, %REMAINING%, %RETRY_AFTER% and %%. Default: "". */
  body?: string;
  /** Further headers, with the same placeholders. */
  headers?: Record<string, string>;
  /** RateLimit and RateLimit-Policy (ietf), x-ratelimit-limit, -remaining and -reset (draft03). Default: ["ietf"]. */
  rateLimitHeaders?: RateLimitHeaders[];
  /** The answers that carry `rateLimitHeaders`. Default: "refusal". */
  when?: RateLimitHeadersWhen;
}

/** Rate limits on the routes that targetRefs name. */
export interface RateLimitSpec {
  /** Absent: every route of the proxy. */
  targetRefs?: TargetRef[];
  /** All are looked at; none is charged unless all admit the request. */
  limits: RateLimit[];
  /** How a refused request is answered. */
  response?: RateLimitResponse;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** The client's address. */
export type FaultSourceIp = Record<string, never>;

/** What makes a client the same client; exactly one. A request without it is drawn for itself. */
export interface FaultStickyBy {
  /** The first value of this header. */
  header?: string;
  /** The value of this cookie; it is never set. */
  cookie?: string;
  /** The client's address. */
  sourceIp?: FaultSourceIp;
}

/** Evenly distributed between two bounds. */
export interface UniformDelay {
  /** Lower bound. */
  min: string;
  /** Upper bound; at least `min`. */
  max: string;
}

/** Normally distributed, never below 0. */
export interface NormalDelay {
  /** The mean. */
  mean: string;
  /** The standard deviation. */
  stddev: string;
  /** The cap. */
  max: string;
}

/** A long tail: min / u^(1/shape), capped. */
export interface ParetoDelay {
  /** The smallest delay. */
  min: string;
  /** Smaller is longer in the tail. */
  shape: number;
  /** The cap. */
  max: string;
}

/** How long a request is held before it goes on; exactly one form. */
export interface FaultDelay {
  /** Always this long. */
  fixed?: string;
  /** Evenly distributed. */
  uniform?: UniformDelay;
  /** By percentile, such as `p50`, `p99.9`, `p100`: rising, interpolated. */
  percentiles?: Record<string, string>;
  /** Normally distributed with a cap. */
  normal?: NormalDelay;
  /** Pareto distributed with a cap. */
  pareto?: ParetoDelay;
}

/** The answer that is given in place of the service's. */
export interface FaultAbort {
  /** HTTP status; 200 for gRPC when only grpcStatus is given. */
  httpStatus?: number;
  /** gRPC status by name. */
  grpcStatus?: GrpcStatus;
  /** gRPC status by number. */
  grpcCode?: number;
  /** The body. Default: "fault filter abort". */
  body?: string;
  /** Default: text/plain. */
  contentType?: string;
  /** Further headers of the answer. */
  headers?: Record<string, string>;
}

/** The response body's speed. */
export interface FaultThrottle {
  /** KiB per second. */
  kibPerSecond: number;
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** A window of the week, in UTC. */
export interface WeeklyWindow {
  /** On these days. */
  days: Weekday[];
  /** HH:MM, UTC. */
  start: string;
  /** HH:MM, UTC, after `start`; 24:00 is allowed. */
  end: string;
}

/** When the fault is active; all given conditions must hold. */
export interface FaultSchedule {
  /** Not before. */
  from?: string;
  /** Not from then on. */
  until?: string;
  /** Only inside one of these windows. */
  weekly?: WeeklyWindow[];
}

/** The fault switches itself off for `coolDown` when a bound is crossed. */
export interface FaultStopWhen {
  /** Share of 5xx among upstream's answers to matching requests, over a second or more and at least 10 answers. */
  upstreamErrorsAbove?: number | string;
  /** Matching requests per time, such as 5/s or 30/m. */
  requestsBelow?: string;
  /** How long it stays off. Default: "5m". */
  coolDown?: string;
}

/** One fault. A request gets at most one delay, one abort and one throttle: of the first fault that hits. */
export interface Fault {
  /** Shown in metrics, in x-sluice-fault and in explanations. */
  name: string;
  /** Any of these; absent: every request. */
  match?: RequestMatch[];
  /** Share of the matching requests, to 0.0001. */
  percentage: number | string;
  /** The same clients are hit each time. */
  stickyBy?: FaultStickyBy;
  /** Held before it goes on. */
  delay?: FaultDelay;
  /** Answered in the service's place. */
  abort?: FaultAbort;
  /** The response body slowed down. */
  throttle?: FaultThrottle;
  /** When it is active; absent: always. */
  schedule?: FaultSchedule;
  /** When it switches itself off. */
  stopWhen?: FaultStopWhen;
}

/** What callers may ask for with Envoy's x-envoy-fault-* request headers. */
export interface FaultHeaderControl {
  /** x-envoy-fault-delay-request. Default: false. */
  delay?: boolean;
  /** x-envoy-fault-abort-request and -abort-grpc-request. Default: false. */
  abort?: boolean;
  /** x-envoy-fault-throughput-response. Default: false. */
  throttle?: boolean;
  /** Cap on the percentage that a caller asks for. Default: 100. */
  maxPercentage?: number | string;
  /** Cap on the delay that a caller asks for. Default: "30s". */
  maxDelay?: string;
}

/** Faults on the routes that targetRefs name. */
export interface FaultSpec {
  /** Absent: every route of the proxy. */
  targetRefs?: TargetRef[];
  /** In order. */
  faults: Fault[];
  /** Requests held or throttled at once, over all workers; over it they pass and are counted. */
  maxActive?: number;
  /** From then on the policy does nothing. */
  expiresAt?: string;
  /** Faults that callers ask for; absent: none. */
  headerControl?: FaultHeaderControl;
  /** Answers carry x-sluice-fault: policy/fault. Default: true. */
  responseHeader?: boolean;
  /** Seed of sticky choices; default: the policy's namespace/name. */
  seed?: string;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** Switches every fault of the folder off, as long as it is there. */
export interface FaultSwitchSpec {
  /** true: no fault at all. */
  disabled: boolean;
  /** For those who find it. */
  reason?: string;
}

/** The path as a template. */
export interface PathTemplates {
  /** Given ones, such as /users/{id}; first match wins. */
  templates?: string[];
  /** Elsewhere numbers, UUIDs and hashes become {id}. Default: true. */
  learn?: boolean;
}

/** No options. */
export type NoOptions = Record<string, never>;

/** One further label and where its value comes from; exactly one source. */
export interface Dimension {
  /** The label's name: letters, digits and underscores, a letter first. */
  name: string;
  /** A request header. */
  header?: string;
  /** A query parameter. */
  queryParam?: string;
  /** A cookie. */
  cookie?: string;
  /** A response header. */
  responseHeader?: string;
  /** The path as a template. */
  path?: PathTemplates;
  /** The request's method. */
  method?: NoOptions;
  /** The gRPC status by name. */
  grpcStatus?: NoOptions;
  /** Envoy's response flags, such as UF or UT. */
  responseFlags?: NoOptions;
  /** Distinct values, `values` among them; the rest counts as _other. Default: 50. */
  maxValues?: number;
  /** Always kept, whatever clients send. */
  values?: string[];
}

export type MetricNames = "sluice" | "istio" | "otel";

/** Labels of the request metrics on the routes that targetRefs name. */
export interface MetricsSpec {
  /** Absent: every route of the proxy. */
  targetRefs?: TargetRef[];
  /** Further labels. */
  dimensions?: Dimension[];
  /** Under which names requests and durations are reported. Default: ["sluice"]. */
  names?: MetricNames[];
  /** Label sets per metric, over all policies; beyond it all labels but the response's class become _other. Default: 10000. */
  maxSeries?: number;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

export type HealthCheckMethod = "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT";

/** A request that a healthy endpoint answers with an expected status. */
export interface HttpHealthCheck {
  /** Path, perhaps with a query. */
  path: string;
  /** Method. Default: "GET". */
  method?: HealthCheckMethod;
  /** Host header; default: the service's host. */
  host?: string;
  /** Further headers. */
  headers?: Record<string, string>;
  /** Codes such as `204` and ranges such as `200-299`. Default: ["200"]. */
  expectedStatuses?: string[];
}

/** The call grpc.health.v1.Health/Check; SERVING is healthy. */
export interface GrpcHealthCheck {
  /** The service asked for; default: the server as a whole. */
  service?: string;
  /** The :authority; default: the service's host. */
  authority?: string;
}

/** A connection that opens is healthy. */
export type TcpHealthCheck = Record<string, never>;

/** How Envoy finds out which endpoints of a host are well. */
export interface HealthCheckSpec {
  /** A ServiceEntry's host; a short name is of the resource's namespace. */
  host: string;
  /** Only the endpoints of these subsets, where a route names them; absent: all. */
  subsets?: string[];
  /** Only for this port of the host; absent: for every port. */
  port?: number;
  /** By an HTTP request, in the protocol of the host's port. */
  http?: HttpHealthCheck;
  /** By a gRPC call. */
  grpc?: GrpcHealthCheck;
  /** By a connection: write `tcp: {}`. */
  tcp?: TcpHealthCheck;
  /** Port of the endpoints to ask, where it is another. */
  checkPort?: number;
  /** Time between checks of an endpoint. Default: "10s". */
  interval?: string;
  /** No answer within this is a failure. Default: "1s". */
  timeout?: string;
  /** Failures in a row that take an endpoint out. An unexpected status takes it out at once. Default: 3. */
  unhealthyThreshold?: number;
  /** Successes in a row that bring it back; a new endpoint needs one. Default: 2. */
  healthyThreshold?: number;
  /** Time between checks of an endpoint that is out; default: `interval`. */
  unhealthyInterval?: string;
  /** With fewer healthy endpoints than this, all of them get requests (panic); 0: never. Default: the DestinationRule's `minHealthPercent`, else 50. */
  panicThreshold?: number | string;
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

export type LabelEncoding = "sluice" | "istio";

/** Configuration of the header_routing filter. */
export interface HeaderRoutingConfig {
  /** From the most specific attachment to the least. */
  policies: HeaderRoutingPolicy[];
  /** How labels are written into a stat's name: for the rules of our bootstrap, or of Istio's. Default: "sluice". */
  labels?: LabelEncoding;
  /** Memory for one request's headers; more is answered 431. Default: 128. */
  arenaKiB?: number;
  /** Requests whose sluice-explain header is the text with this SHA-256 (hexadecimal) are told in the response header sluice-explanation what was decided. Absent: nobody is. */
  explainTokenSha256?: string;
  /** Streams with state per worker. Default: 65536. */
  maxStreams?: number;
}

/** One policy with the routes that it applies to. */
export interface RateLimitPolicy {
  /** namespace/name. */
  name: string;
  /** Absent: every request. */
  attach?: Attachment[];
  /** Names the buckets: entries with one seed share them, limit by limit; default: `name`. */
  seed?: string;
  /** All are looked at; none is charged unless all admit the request. */
  limits: RateLimit[];
  /** How a refused request is answered. */
  response?: RateLimitResponse;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** Configuration of the rate_limit filter. */
export interface RateLimitConfig {
  /** From the most specific attachment to the least. */
  policies: RateLimitPolicy[];
  /** How labels are written into a stat's name: for the rules of our bootstrap, or of Istio's. Default: "sluice". */
  labels?: LabelEncoding;
  /** Memory for one request's headers; more is answered 431. Default: 128. */
  arenaKiB?: number;
  /** Requests whose sluice-explain header is the text with this SHA-256 (hexadecimal) are told in the response header sluice-explanation what was decided. Absent: nobody is. */
  explainTokenSha256?: string;
  /** Streams with state per worker. Default: 65536. */
  maxStreams?: number;
}

/** One policy with the routes that it applies to. */
export interface FaultPolicy {
  /** namespace/name. */
  name: string;
  /** Absent: every request. */
  attach?: Attachment[];
  /** In order. */
  faults: Fault[];
  /** Requests held or throttled at once, over all workers; over it they pass and are counted. */
  maxActive?: number;
  /** From then on the policy does nothing. */
  expiresAt?: string;
  /** Faults that callers ask for; absent: none. */
  headerControl?: FaultHeaderControl;
  /** Answers carry x-sluice-fault: policy/fault. Default: true. */
  responseHeader?: boolean;
  /** Seed of sticky choices; default: the policy's namespace/name. */
  seed?: string;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** Configuration of the fault filter. */
export interface FaultConfig {
  /** From the most specific attachment to the least. */
  policies: FaultPolicy[];
  /** How labels are written into a stat's name: for the rules of our bootstrap, or of Istio's. Default: "sluice". */
  labels?: LabelEncoding;
  /** The kill switch: no fault at all. Default: false. */
  disabled?: boolean;
  /** Memory for one request's headers; more is answered 431. Default: 128. */
  arenaKiB?: number;
  /** Requests whose sluice-explain header is the text with this SHA-256 (hexadecimal) are told in the response header sluice-explanation what was decided. Absent: nobody is. */
  explainTokenSha256?: string;
  /** Streams with state per worker. Default: 65536. */
  maxStreams?: number;
}

/** One policy with the routes that it applies to. */
export interface MetricsPolicy {
  /** namespace/name. */
  name: string;
  /** Absent: every request. */
  attach?: Attachment[];
  /** Further labels. */
  dimensions?: Dimension[];
  /** Under which names requests and durations are reported. Default: ["sluice"]. */
  names?: MetricNames[];
  /** Label sets per metric, over all policies; beyond it all labels but the response's class become _other. Default: 10000. */
  maxSeries?: number;
  /** false: less specific policies do not apply. Default: true. */
  inherit?: boolean;
}

/** Configuration of the metrics filter. */
export interface MetricsConfig {
  /** From the most specific attachment to the least. */
  policies: MetricsPolicy[];
  /** How labels are written into a stat's name: for the rules of our bootstrap, or of Istio's. Default: "sluice". */
  labels?: LabelEncoding;
  /** Memory for one request's headers. Default: 128. */
  arenaKiB?: number;
}

/** Configuration of the suite: of each filter what it takes by itself. */
export interface SuiteConfig {
  /** Rate limits, decided first; absent: none. */
  rateLimit?: RateLimitConfig;
  /** Header routing, decided second; absent: none. */
  headerRouting?: HeaderRoutingConfig;
  /** Faults, decided last; absent: none. */
  fault?: FaultConfig;
  /** Metrics of every request; absent: none. */
  metrics?: MetricsConfig;
}
