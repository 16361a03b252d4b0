import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePath, refusalDiagnostic } from "./refusal.ts";

test("a path is read into its steps", () => {
  const table: [string, (string | number)[]][] = [
    ["", []],
    ["policies[0].rules[12].match", ["policies", 0, "rules", 12, "match"]],
    ['policies[0].headers["x y"].exact', ["policies", 0, "headers", "x y", "exact"]],
    ['headers["a\\"].b"][3]', ["headers", 'a"].b', 3]],
    ["rateLimit.policies[3]", ["rateLimit", "policies", 3]],
  ];
  for (const [path, steps] of table) assert.deepEqual(parsePath(path), steps, path);
});

test("what is of no policy is told of the folder", () => {
  const diagnostic = refusalDiagnostic({
    filter: "header_routing",
    configuration: "{}",
    refusal: { path: "", byte: 0, message: "trailing text" },
    resources: [],
    directory: "mesh",
  });
  assert.deepEqual(diagnostic, {
    file: "mesh",
    line: 1,
    column: 1,
    severity: "error",
    path: "",
    message: "the header_routing filter refuses this: trailing text",
  });
});

test("in the suite a policy is found below its filter's part", () => {
  const diagnostic = refusalDiagnostic({
    filter: "suite",
    configuration: JSON.stringify({ fault: { policies: [{ name: "ns/slow" }] } }),
    refusal: { path: 'fault.policies[0].faults[0].headers["x y"]', byte: 3, message: "no" },
    resources: [
      {
        group: "sluice.traffic",
        version: "v1alpha1",
        kind: "FaultPolicy",
        namespace: "ns",
        name: "slow",
        labels: {},
        annotations: {},
        spec: {},
        position: (path = []) => ({ file: "f.yaml", line: path.length, column: 1 }),
      },
    ],
    directory: "mesh",
  });
  assert.equal(diagnostic.path, 'spec.faults[0].headers["x y"]');
  assert.deepEqual(
    [diagnostic.file, diagnostic.line, diagnostic.resource],
    ["f.yaml", 5, "FaultPolicy ns/slow"],
  );
});
