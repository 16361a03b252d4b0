// deploy/kubernetes/crds.yaml in a real API server: it takes the definitions, takes what `validate` takes, and
// refuses what `validate` refuses about one resource by itself.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { projectRoot } from "../../envoy/root.ts";
import { identify } from "../../schema/resource.ts";
import { applyDefinitions } from "./control-plane.ts";
import { type KubeObject, objectsOf } from "./kube-api.ts";
import { type Lab, startLab } from "./lab.ts";

let lab: Lab;

before(async () => {
  lab = await startLab({ services: [], crds: [], istiod: false });
  await applyDefinitions(
    lab.kubernetes.api,
    readFileSync(join(projectRoot, "deploy/kubernetes/crds.yaml"), "utf8"),
  );
});
after(() => lab?.close());

const kinds: Record<string, string> = {
  rate_limit: "RateLimitPolicy",
  header_routing: "HeaderRoutingPolicy",
  fault: "FaultPolicy",
  metrics: "MetricsPolicy",
};

/**
 * What the API server cannot check within its limit for the cost of a resource, or at all: it takes these, and the
 * controller says Accepted: False.
 */
const leftToTheController = [
  /which RE2 does not have/,
  /is not a header name/,
  /must be between \/0 and/,
  /is shorter than p\d+; they must rise/,
  /the same destination as/,
];

interface Given {
  name: string;
  resource: KubeObject;
}

/** Every policy of every filter's cases, the refused ones too, as a resource. */
function policiesOfCases(filter: string): Given[] {
  const { cases } = parse(readFileSync(join(projectRoot, "filters", filter, "cases.yaml"), "utf8"), {
    maxAliasCount: 1_000,
  }) as {
    cases: { name: string; configuration?: { policies?: unknown } }[];
  };
  return cases.flatMap(({ name, configuration }) => {
    const policies = configuration?.policies;
    return (Array.isArray(policies) ? policies : []).flatMap((policy: unknown, i) => {
      if (typeof policy !== "object" || policy === null) return [];
      const { name: _, attach: __, seed: ___, ...spec } = policy as Record<string, unknown>;
      return [{ name: `${filter}: ${name}`, resource: resourceOf(filter, `case-${i}`, spec) }];
    });
  });
}

const resourceOf = (filter: string, name: string, spec: unknown): KubeObject => ({
  apiVersion: "sluice.traffic/v1alpha1",
  kind: kinds[filter] ?? "",
  metadata: { name, namespace: "default" },
  spec,
});

const verdict = (resource: KubeObject): string[] =>
  identify(resource)
    .problems.filter(({ severity }) => severity === "error")
    .map(({ path, message }) => `${path.join(".")}: ${message}`);

async function tried(resource: KubeObject): Promise<{ status: number; message: string }> {
  const path = await lab.kubernetes.api.path(resource);
  const query = "fieldManager=test&force=true&fieldValidation=Strict&dryRun=All";
  const { status, body } = await lab.kubernetes.api.call(
    "PATCH",
    `${path}?${query}`,
    resource,
    "application/apply-patch+yaml",
  );
  return { status, message: body.message ?? "" };
}

for (const filter of Object.keys(kinds)) {
  test(`${filter}: the API server judges its cases' policies as validate does`, async (t) => {
    let taken = 0;
    let refused = 0;
    const differences: string[] = [];
    for (const { name, resource } of policiesOfCases(filter)) {
      const problems = verdict(resource);
      const { status, message } = await tried(resource);
      const isTaken = status < 300;
      if (isTaken) taken++;
      else refused++;
      assert.ok(isTaken || problems.length > 0, `${name}: validate takes it, the API server says ${message}`);
      const untold = problems.filter(
        (problem) => !leftToTheController.some((pattern) => pattern.test(problem)),
      );
      if (isTaken && untold.length > 0) differences.push(`${name}: ${problems.join("; ")}`);
    }
    t.diagnostic(`${taken} taken, ${refused} refused`);
    assert.deepEqual(differences, []);
  });
}

const limits = (limit: Record<string, unknown>) => ({
  limits: [{ name: "a", requests: 1, per: "1s", ...limit }],
});

/** Each with a part of what the API server says. */
const refusals: [string, string, unknown, RegExp][] = [
  [
    "a misspelt field",
    "rate_limit",
    { ...limits({}), respones: {} },
    /respones: field not declared in schema/,
  ],
  ["a number out of range", "rate_limit", limits({ requests: 0 }), /requests.*greater than or equal to 1/],
  [
    "a text for a number",
    "rate_limit",
    limits({ requests: "many" }),
    /must be of type integer|expected numeric/,
  ],
  ["two names", "rate_limit", { limits: [limits({}).limits[0], limits({}).limits[0]] }, /duplicate entries/],
  ["no limit at all", "rate_limit", { limits: [] }, /should have at least 1 items/],
  ["none of a group", "fault", { faults: [{ name: "f", percentage: 1 }] }, /at least one of/],
  [
    "two of a group",
    "header_routing",
    { rules: [{ name: "r", destination: { subset: "a" }, destinations: [{ subset: "b", weight: 1 }] }] },
    /(at most|exactly) one of/,
  ],
];

test("a refusal names the field", async () => {
  for (const [name, filter, spec, text] of refusals) {
    const resource = resourceOf(filter, "refused", spec);
    assert.notDeepEqual(verdict(resource), [], name);
    const { status, message } = await tried(resource);
    assert.ok(status >= 400, `${name}: taken`);
    assert.match(message, text, `${name}: ${message}`);
  }
});

test("every policy of the examples is taken", async () => {
  let count = 0;
  for (const folder of readdirSync(join(projectRoot, "examples"))) {
    const directory = join(projectRoot, "examples", folder);
    if (!statSync(directory).isDirectory()) continue;
    for (const file of readdirSync(directory).filter((name) => name.endsWith(".yaml"))) {
      for (const resource of objectsOf(readFileSync(join(directory, file), "utf8"))) {
        if (!resource.apiVersion.startsWith("sluice.traffic/")) continue;
        const { status, message } = await tried({
          ...resource,
          metadata: { ...resource.metadata, namespace: "default" },
        });
        assert.ok(status < 300, `${folder}/${file}: ${message}`);
        count++;
      }
    }
  }
  assert.ok(count >= 4);
});
