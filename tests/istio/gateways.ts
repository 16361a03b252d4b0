// Gateways for the parity with istiod: each server of a kind of its own, on a port of its own.

import type { Pair } from "../support/certificates.ts";

export const servers = [
  "simple",
  "mutual",
  "optional",
  "redirect",
  "passthrough",
  "tcp",
  "scoped",
  "several",
] as const;
export type Server = (typeof servers)[number];

export interface GatewayParts {
  ports: Readonly<Record<Server, number>>;
  backends: { http: number; tls: number; tcp: number };
  pair: Pair;
  ca: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const gatewaysYaml = ({ ports, backends, pair, ca }: GatewayParts): string => `
apiVersion: v1
kind: Secret
metadata: {name: shop, namespace: default}
type: kubernetes.io/tls
data: {tls.crt: ${base64(pair.certificate)}, tls.key: ${base64(pair.key)}, ca.crt: ${base64(ca)}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: tls, namespace: default}
spec:
  selector: {istio: gw}
  servers:
  - {port: {number: ${ports.simple}, name: https-a, protocol: HTTPS}, bind: 127.0.0.1, hosts: [simple.example, "*.simple.example"], tls: {mode: SIMPLE, credentialName: shop, minProtocolVersion: TLSV1_2}}
  - {port: {number: ${ports.mutual}, name: https-b, protocol: HTTPS}, bind: 127.0.0.1, hosts: [mutual.example], tls: {mode: MUTUAL, credentialName: shop}}
  - {port: {number: ${ports.optional}, name: https-c, protocol: HTTPS}, bind: 127.0.0.1, hosts: [optional.example], tls: {mode: OPTIONAL_MUTUAL, credentialName: shop}}
  - {port: {number: ${ports.passthrough}, name: tls-d, protocol: TLS}, bind: 127.0.0.1, hosts: [passthrough.example], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: plain, namespace: default}
spec:
  selector: {istio: gw}
  servers:
  - {port: {number: ${ports.redirect}, name: http-a, protocol: HTTP}, bind: 127.0.0.1, hosts: [redirect.example], tls: {httpsRedirect: true}}
  - {port: {number: ${ports.tcp}, name: tcp-a, protocol: TCP}, bind: 127.0.0.1, hosts: ["*"]}
  - {port: {number: ${ports.scoped}, name: http-b, protocol: HTTP}, bind: 127.0.0.1, hosts: [default/scoped.example, ./own.example, elsewhere/hidden.example]}
  - {port: {number: ${ports.several}, name: http-c, protocol: HTTP}, bind: 127.0.0.1, hosts: [one.example]}
  - {port: {number: ${ports.several}, name: http-d, protocol: HTTP}, bind: 127.0.0.1, hosts: ["*.two.example"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: default}
spec:
  hosts: [simple.example, a.simple.example, mutual.example, optional.example, redirect.example]
  gateways: [tls, plain]
  http: [{route: [{destination: {host: web.default.svc.cluster.local, port: {number: 80}}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hosts, namespace: default}
spec:
  hosts: [scoped.example, own.example, hidden.example, one.example, x.two.example, two.example]
  gateways: [plain]
  http: [{route: [{destination: {host: web.default.svc.cluster.local, port: {number: 80}}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: streams, namespace: default}
spec:
  hosts: [passthrough.example]
  gateways: [tls]
  tls:
  - match: [{port: ${ports.passthrough}, sniHosts: [passthrough.example]}]
    route: [{destination: {host: web.default.svc.cluster.local, port: {number: 443}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bytes, namespace: default}
spec:
  hosts: ["*"]
  gateways: [plain]
  tcp:
  - match: [{port: ${ports.tcp}}]
    route: [{destination: {host: web.default.svc.cluster.local, port: {number: 9000}}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: web, namespace: default}
spec:
  hosts: [web.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP}
  - {number: 443, name: tls, protocol: TLS}
  - {number: 9000, name: tcp, protocol: TCP}
  endpoints: [{address: 127.0.0.1, ports: {http: ${backends.http}, tls: ${backends.tls}, tcp: ${backends.tcp}}}]
`;

/** istiod gives a gateway the Secrets that its service account may read. */
export const secretReader = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: secrets, namespace: default}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: secrets, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: secrets}
subjects: [{kind: ServiceAccount, name: gw, namespace: default}]
`;
