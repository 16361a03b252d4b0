// A filter names the place of what it refuses in the JSON that it was given, which no user has written.
// Here that place is traced back to the policy and the line it came from.

import type { Diagnostic } from "../schema/diagnostic.ts";
import type { Resource } from "./model.ts";

/** Where in its configuration a filter found something wrong, and what. */
export interface Refusal {
  path: string;
  byte: number;
  message: string;
}

export interface RefusedPlugin {
  filter: string;
  configuration: string;
  refusal: Refusal;
  resources: readonly Resource[];
  directory: string;
}

type Step = string | number;

export function refusalDiagnostic({
  filter,
  configuration,
  refusal,
  resources,
  directory,
}: RefusedPlugin): Diagnostic {
  const steps = parsePath(refusal.path);
  const policiesAt = steps.indexOf("policies");
  const index = steps[policiesAt + 1];
  const name = policiesAt < 0 ? undefined : nameOf(configuration, steps.slice(0, policiesAt + 2));
  const resource = resources.find(
    (candidate) => isPolicyOf(candidate, filter) && `${candidate.namespace}/${candidate.name}` === name,
  );
  const message = `the ${filter} filter refuses this: ${refusal.message}`;
  if (!resource || typeof index !== "number") {
    return { file: directory, line: 1, column: 1, severity: "error", path: refusal.path, message };
  }
  const path = ["spec", ...steps.slice(policiesAt + 2)];
  return {
    ...resource.position(path),
    severity: "error",
    resource: `${resource.kind} ${resource.namespace}/${resource.name}`,
    path: formatPath(path),
    message,
  };
}

/** `HeaderRoutingPolicy` is of `header_routing`; `suite` takes them all. */
function isPolicyOf(resource: Resource, filter: string): boolean {
  if (resource.group !== "sluice.traffic") return false;
  const kind = filter.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return filter === "suite" || resource.kind === `${kind.join("")}Policy`;
}

function nameOf(configuration: string, steps: readonly Step[]): string | undefined {
  let value: unknown = JSON.parse(configuration);
  for (const step of [...steps, "name"]) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<Step, unknown>)[step];
  }
  // A policy whose targets differ in rank stands in several parts, `ns/name@gateway` beside `ns/name`.
  return typeof value === "string" ? value.replace(/@.*$/, "") : undefined;
}

/** `policies[0].headers["x y"].exact` as its steps. */
export function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  for (const [, index, quoted, plain] of path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([^.[\]]+)/g)) {
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
    else if (plain !== undefined) steps.push(plain);
  }
  return steps;
}

function formatPath(steps: readonly Step[]): string {
  return steps
    .map((step, at) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return at === 0 ? step : `.${step}`;
    })
    .join("");
}
