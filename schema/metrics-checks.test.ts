import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSpec } from "./checks.ts";
import type { Dimension } from "./generated/types.ts";

const problems = (dimension: Dimension): string[] =>
  checkSpec("MetricsPolicy", { dimensions: [dimension] }).map(
    ({ severity, path, message }) => `${severity} ${path.join(".")}: ${message}`,
  );

const table: [name: string, dimension: Dimension, expected: string[]][] = [
  ["a label", { name: "tenant_1", header: "x-tenant" }, []],
  [
    "a label of the metrics",
    { name: "route", header: "x" },
    [
      'error spec.dimensions.0.name: the metrics have a label "route" already; give the dimension another name',
    ],
  ],
  [
    "a dash in a label",
    { name: "x-tenant", header: "x" },
    [
      'error spec.dimensions.0.name: a label has letters, digits and underscores only, and a letter first; write "x_tenant"',
    ],
  ],
  ["as many values as there may be", { name: "a", header: "x", values: ["1", "2"], maxValues: 2 }, []],
  [
    "more values than there may be",
    { name: "a", header: "x", values: ["1", "2"], maxValues: 1 },
    ["error spec.dimensions.0.values: 2 values are always kept, and maxValues is 1; raise it to at least 2"],
  ],
  ["templates", { name: "a", path: { templates: ["/", "/users/{id}", "/a/{b}/c"] } }, []],
  [
    "a part of a segment",
    { name: "a", path: { templates: ["/users/u{id}"] } },
    [
      'error spec.dimensions.0.path.templates.0: a parameter is a whole segment, such as /users/{id}; "u{id}" is not',
    ],
  ],
  [
    "a query",
    { name: "a", path: { templates: ["/users?id=1"] } },
    [
      "error spec.dimensions.0.path.templates.0: a template is held against the path alone; leave out the query",
    ],
  ],
  [
    "every path",
    { name: "a", path: { learn: false } },
    [
      "warning spec.dimensions.0.path: without templates and without learning, each path is a value of its own until maxValues is reached",
    ],
  ],
];

for (const [name, dimension, expected] of table)
  test(name, () => assert.deepEqual(problems(dimension), expected));
