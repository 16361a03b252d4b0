// The sample mesh with one policy of each kind and a route that rewrites, so that logs, traces and metrics have
// something to tell.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../../envoy/root.ts";

const route = `[{group: networking.istio.io, kind: VirtualService, name: go-search-service, sectionName: default_v1_v2}]`;

const policies = `
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {namespace: ficool, name: canary}
spec:
  targetRefs: ${route}
  rules:
  - name: insiders
    match: [{headers: {user: {exact: insider}}}]
    destination: {subset: v3}
---
apiVersion: sluice.traffic/v1alpha1
kind: RateLimitPolicy
metadata: {namespace: ficool, name: search}
spec:
  targetRefs: ${route}
  limits:
  - {name: greedy, match: [{headers: {user: {exact: greedy}}}], requests: 1, per: 24h}
  - {name: per-key, match: [{headers: {x-key: {}}}], key: [{header: x-key}], requests: 1, per: 24h, maxKeys: 10, showKeys: true}
  response: {rateLimitHeaders: [ietf]}
---
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {namespace: ficool, name: game-day}
spec:
  targetRefs: ${route}
  faults:
  - {name: broken, match: [{uri: {prefix: /abort}}], percentage: 100, abort: {httpStatus: 503}}
  - {name: late, match: [{uri: {prefix: /slow}}], percentage: 100, delay: {fixed: 20ms}}
  - {name: endless, match: [{uri: {prefix: /hang}}], percentage: 100, delay: {fixed: 600s}}
---
apiVersion: sluice.traffic/v1alpha1
kind: MetricsPolicy
metadata: {namespace: ficool, name: tenants}
spec:
  names: [sluice, otel]
  dimensions: [{name: tenant, header: x-tenant, maxValues: 5}]
`;

const rewritten = `
  - name: rewritten
    match: [{uri: {prefix: /old/}}]
    rewrite: {uri: /new/}
    route: [{destination: {host: go-search-service.ficool.svc.cluster.local, subset: v1}}]
`.slice(1);

/** Files for a test mesh. */
export async function observedMesh(): Promise<Record<string, string>> {
  const mesh = await readFile(join(projectRoot, "examples/ficool/mesh.yaml"), "utf8");
  const filled = mesh.replace(/\b1808([123])\b/g, "{v$1}").replace("  http:\n", `  http:\n${rewritten}`);
  return { "mesh.yaml": filled, "policies.yaml": policies };
}
