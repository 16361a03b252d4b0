// Which policies act on which route: random sets of policies and targets, against a plain reading of the rules written
// here, enforced by a real Envoy. Limits add up, so that their counters tell all that act; of routing policies the first
// one acts, and its mark on the answer tells the order.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startTestMesh, type TestMesh } from "./support/mesh.ts";
import { samples, sumBy } from "./support/prometheus.ts";
import { type Chance, chance } from "./support/regex.ts";
import { waitFor } from "./support/wait.ts";

const seed = Number(process.env.SLUICE_SEED ?? 20_26);
const rounds = Number(process.env.SLUICE_ATTACHMENTS ?? 3);
const policiesOfKind = 6;

const services = ["a", "b", "c", "d"];
/** The first two names are those of routes of every service, the third is the service's own. */
const routesOf = (service: string): string[] => ["shared", "other", `only-${service}`];
const hostOf = (service: string): string => `${service}.demo.svc.cluster.local`;

const mesh = services
  .map(
    (service) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {namespace: demo, name: ${service}}
spec:
  hosts: [${hostOf(service)}]
  http:
${routesOf(service)
  .map((route) => `  - {name: ${route}, match: [{uri: {exact: /${route}}}], directResponse: {status: 200}}`)
  .join("\n")}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: demo, name: ${service}}
spec:
  hosts: [${hostOf(service)}]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 9}}]
`,
  )
  .join("---");

interface Target {
  service?: string;
  route?: string;
}

interface Policy {
  kind: "RateLimitPolicy" | "HeaderRoutingPolicy";
  name: string;
  /** None: every route. */
  targets: Target[];
  inherit: boolean;
}

/** The rules in words: the most specific target counts; by how specific, then by name; `inherit: false` ends it. */
function expected(policies: readonly Policy[], service: string, route: string): string[] {
  const tierOf = ({ targets }: Policy): number => {
    if (targets.length === 0) return 2;
    const fitting = targets.filter(
      (target) =>
        (target.service ?? service) === service && (target.route === undefined || target.route === route),
    );
    if (fitting.length === 0) return Number.NaN;
    return fitting.some((target) => target.route !== undefined) ? 0 : 1;
  };
  const ranked = policies
    .map((policy) => ({ policy, tier: tierOf(policy) }))
    .filter(({ tier }) => !Number.isNaN(tier))
    .sort((a, b) => a.tier - b.tier || (a.policy.name < b.policy.name ? -1 : 1));
  const last = ranked.find(({ policy }) => !policy.inherit)?.tier ?? 2;
  return ranked.filter(({ tier }) => tier <= last).map(({ policy }) => policy.name);
}

function randomPolicies(kind: Policy["kind"], round: number, draw: Chance): Policy[] {
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T;
  return Array.from({ length: policiesOfKind }, (_, i) => {
    const targets = Array.from({ length: draw(4) }, (): Target => {
      const service = pick(services);
      const chosen = draw(4);
      if (chosen === 0) return { service };
      // A route of Envoy's by its name, whichever virtual host has it.
      return chosen === 1 ? { route: pick(routesOf(service)) } : { service, route: pick(routesOf(service)) };
    });
    return { kind, name: `p${draw(90)}-${round}-${i}`, targets, inherit: draw(4) > 0 };
  });
}

function yamlOf({ kind, name, targets, inherit }: Policy): string {
  const refs = targets.map(({ service, route }) =>
    service === undefined
      ? `{group: sluice.traffic, kind: EnvoyRoute, name: ${route}}`
      : `{group: networking.istio.io, kind: VirtualService, name: ${service}${route === undefined ? "" : `, sectionName: ${route}`}}`,
  );
  const acts =
    kind === "RateLimitPolicy"
      ? "limits: [{name: all, requests: 900000, per: 1s}]"
      : `rules: [{name: all, headers: {response: {set: {x-by: ${name}}}}}]`;
  return `
apiVersion: sluice.traffic/v1alpha1
kind: ${kind}
metadata: {namespace: demo, name: ${name}}
spec:
${refs.length === 0 ? "" : `  targetRefs: [${refs.join(", ")}]\n`}  inherit: ${inherit}
  ${acts}
`;
}

describe("random policies on random targets", () => {
  let world: TestMesh;
  before(async () => {
    world = await startTestMesh({ files: { "mesh.yaml": mesh }, services: [] });
  });
  after(() => world?.close());

  /** Requests that each limit has let through so far. */
  const counted = async (): Promise<Record<string, number>> =>
    sumBy(
      samples(await world.envoy.admin("/stats/prometheus"), "sluice_rate_limit_decisions_total"),
      "policy",
    );

  /** The limits that acted on one request, and the routing policy. */
  async function acting(service: string, route: string): Promise<{ limits: string[]; by: unknown }> {
    const was = await counted();
    const answer = await world.request({ host: hostOf(service), path: `/${route}` });
    assert.equal(answer.status, 200);
    const now = await counted();
    const limits = Object.keys(now).filter((name) => now[name] !== (was[name] ?? 0));
    return { limits: limits.map((name) => name.replace("demo/", "")).sort(), by: answer.headers["x-by"] };
  }

  for (let round = 0; round < rounds; round++) {
    test(`round ${round} of seed ${seed}`, async () => {
      const draw = chance(seed + round);
      const limits = randomPolicies("RateLimitPolicy", round, draw);
      const routing = randomPolicies("HeaderRoutingPolicy", round, draw);
      const wanted = (service: string, route: string) => ({
        limits: expected(limits, service, route).sort(),
        by: expected(routing, service, route)[0],
      });
      const routes = services.flatMap((service) =>
        routesOf(service).map((route) => [service, route] as const),
      );
      await world.apply("policies.yaml", [...limits, ...routing].map(yamlOf).join("---"));
      for (const [service, route] of routes) {
        await waitFor(
          `${service}/${route} as the rules say: ${JSON.stringify(wanted(service, route))}`,
          async () => {
            const found = await acting(service, route);
            return JSON.stringify(found) === JSON.stringify(wanted(service, route));
          },
        );
      }
      // Once more, when all have followed: nothing else acts.
      for (const [service, route] of routes)
        assert.deepEqual(await acting(service, route), wanted(service, route), `${service}/${route}`);
    });
  }
});
