// A large folder as it comes from the source, for measuring builds: services with subsets, a VirtualService of
// ten routes for each, a policy on each VirtualService.

const routesPerService = 10;

/** A file for each service, with three documents and a policy, which steers for every other service. */
export const largeFolder = (serviceCount: number): string[] =>
  Array.from({ length: serviceCount }, (_, i) => serviceDocuments(i).join("---\n"));

function serviceDocuments(i: number): string[] {
  const name = `service-${String(i).padStart(4, "0")}`;
  const host = `${name}.shop.svc.cluster.local`;
  const routes = Array.from({ length: routesPerService }, (_, r) => route(name, host, r));
  return [
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${host}]
  ports: [{number: 8080, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints:
  - {address: 10.${i >> 8}.${i & 255}.1, labels: {version: v1}}
  - {address: 10.${i >> 8}.${i & 255}.2, labels: {version: v2}}
`,
    `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: shop}
spec:
  host: ${name}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}]
  http:
${routes.join("")}`,
    policy(name, i),
  ];
}

const route = (name: string, host: string, r: number): string => `  - name: ${name}-${r}
    match: [{uri: {prefix: /part-${r}/}, headers: {x-tenant: {exact: gold}}}]
    timeout: ${r + 1}s
    route: [{destination: {host: ${host}, subset: v1}, weight: 90}, {destination: {host: ${host}, subset: v2}, weight: 10}]
`;

function policy(name: string, i: number): string {
  const head = (kind: string) => `apiVersion: sluice.traffic/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: shop}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: ${name}}]
`;
  return i % 2 === 0
    ? `${head("RateLimitPolicy")}  limits: [{name: all, requests: 100, per: 1s}]\n`
    : `${head("HeaderRoutingPolicy")}  rules: [{name: canary, match: [{headers: {uid: {exact: "0"}}}], destination: {subset: v2}}]\n`;
}
