// The mesh of most tests: a gateway on a port of its own, a backend of three versions behind it.

export const shop = (port: number): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: default}
spec:
  selector: {istio: gw}
  servers:
  - {port: {number: ${port}, name: http, protocol: HTTP}, bind: 127.0.0.1, hosts: ["*"]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: backend, namespace: default}
spec:
  hosts: [backend.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
  - {address: 127.0.0.1, ports: {http: {v1}}, labels: {version: v1}}
  - {address: 127.0.0.1, ports: {http: {v2}}, labels: {version: v2}}
  - {address: 127.0.0.1, ports: {http: {v3}}, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: backend, namespace: default}
spec:
  host: backend.default.svc.cluster.local
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: v3, labels: {version: v3}}
`;

/** Two routes, the second without a name. */
export const shopRoutes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default}
spec:
  hosts: [shop.example]
  gateways: [gw]
  http:
  - name: orders
    match: [{uri: {prefix: /orders}}]
    route: [{destination: {host: backend.default.svc.cluster.local, subset: v1}}]
  - route: [{destination: {host: backend.default.svc.cluster.local, subset: v1}}]
`;
