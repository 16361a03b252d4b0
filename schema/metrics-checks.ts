// What the declaration of a MetricsPolicy cannot say: names that can stand as labels of these metrics, bounds that
// hold what they must, templates that can match.

import type { Dimension, MetricsSpec } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";
import type { Problem } from "./validate.ts";

/** Labels that the metrics have without a policy, and those that Prometheus keeps for histograms and summaries. */
const taken = ["virtual_host", "route", "response_code", "dimensions", "le", "quantile"];

type Tell = (severity: Problem["severity"], path: FieldPath, message: string) => void;

export function metricsPolicy(spec: MetricsSpec, tell: Tell): void {
  for (const [i, dimension] of (spec.dimensions ?? []).entries()) {
    const path: FieldPath = ["dimensions", i];
    name(dimension.name, [...path, "name"], tell);
    bounds(dimension, path, tell);
    templates(dimension, path, tell);
  }
}

function name(text: string, path: FieldPath, tell: Tell): void {
  if (taken.includes(text)) {
    tell("error", path, `the metrics have a label "${text}" already; give the dimension another name`);
    return;
  }
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(text)) return;
  const near = text.replace(/^[^A-Za-z]+/, "").replace(/[^A-Za-z0-9_]/g, "_");
  const instead = near === "" ? "" : `; write "${near}"`;
  tell("error", path, `a label has letters, digits and underscores only, and a letter first${instead}`);
}

function bounds({ values = [], maxValues = 50 }: Dimension, path: FieldPath, tell: Tell): void {
  if (values.length > maxValues)
    tell(
      "error",
      [...path, "values"],
      `${values.length} values are always kept, and maxValues is ${maxValues}; raise it to at least ${values.length}`,
    );
}

function templates({ path: source }: Dimension, path: FieldPath, tell: Tell): void {
  if (source === undefined) return;
  const given = source.templates ?? [];
  for (const [i, template] of given.entries()) {
    const at: FieldPath = [...path, "path", "templates", i];
    if (/[?#]/.test(template))
      tell("error", at, "a template is held against the path alone; leave out the query");
    for (const segment of template.split("/"))
      if (/[{}]/.test(segment) && !/^\{[^{}]+\}$/.test(segment))
        tell("error", at, `a parameter is a whole segment, such as /users/{id}; "${segment}" is not`);
  }
  if (given.length === 0 && source.learn === false)
    tell(
      "warning",
      [...path, "path"],
      "without templates and without learning, each path is a value of its own until maxValues is reached",
    );
}
