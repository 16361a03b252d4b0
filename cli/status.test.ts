import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyReport, SnapshotReport } from "../server/http/proxies.ts";
import { formatStatus } from "./status.ts";

const snapshot: SnapshotReport = {
  version: "v2",
  builtAt: "2026-01-01T00:00:00.000Z",
  directory: "mesh",
  lastGood: false,
  fromState: false,
  sources: { VirtualService: 1, DestinationRule: 2 },
  resources: {},
  errors: 0,
  warnings: 0,
  diagnostics: [],
};

function proxy(id: string, state: ProxyReport["state"], version: string, error = ""): ProxyReport {
  return {
    node: { id, cluster: "c", role: "gateway", namespace: "default", labels: {}, envoyVersion: "1.40.0" },
    peer: "127.0.0.1:1",
    connectedAt: "2026-01-01T00:00:00.000Z",
    variant: "delta",
    version,
    wantedVersion: "v2",
    state,
    types: error ? { extension: { acknowledged: version, sent: "v2", state: "nacked", error } } : {},
  };
}

test("each proxy on a line, and below it what it refuses", () => {
  const text = formatStatus(snapshot, [
    proxy("edge", "synced", "v2"),
    proxy("inner", "nacked", "v1", "Unable to create Wasm plugin"),
    proxy("new", "pending", ""),
    proxy("slow", "pending", "v1"),
  ]);
  assert.equal(
    text,
    `configuration  mesh
serving        version v2, built 2026-01-01T00:00:00.000Z: 1 VirtualService, 2 DestinationRule

PROXY  ENVOY   ROLE     VERSION   STATE
edge   1.40.0  gateway  v2        ACK
inner  1.40.0  gateway  v1        NACK: what it refused is not in force, see below
  NACK of extension, version v2: Unable to create Wasm plugin
new    1.40.0  gateway  none yet  connecting
slow   1.40.0  gateway  v1        waiting for ACK of v2
`,
  );
});

test("a folder in error is shown with its lines", () => {
  const text = formatStatus(
    {
      ...snapshot,
      lastGood: true,
      errors: 1,
      diagnostics: [
        {
          file: "mesh/a.yaml",
          line: 3,
          column: 5,
          severity: "error",
          path: "spec.hosts",
          message: "is missing",
          text: "mesh/a.yaml:3:5: error: spec.hosts: is missing",
        },
      ],
    },
    [],
  );
  assert.match(text, /last good version: the folder is in error/);
  assert.match(text, /^mesh\/a\.yaml:3:5: error: spec\.hosts: is missing$/m);
  assert.match(text, /no Envoy is connected/);
});
