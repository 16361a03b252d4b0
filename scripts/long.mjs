// `npm run test:long`: the random tests of `npm test` at full length, under half an hour on two cores.
// Each length can be set by its variable; SLUICE_SEED chooses another history.

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";

const lengths = {
  /** Decisions of the filter and of Envoy's own routes. */
  SLUICE_PARITY: "100000",
  /** Requests against the server's matcher and Envoy, by VirtualServices and by HTTPRoutes. */
  SLUICE_REQUESTS: "10000",
  /** Regular expressions on texts, against re2js and Envoy's safe_regex. */
  SLUICE_DECISIONS: "50000",
  /** Damaged configurations and hostile requests, each, for every filter. */
  SLUICE_FUZZ: "50000",
  /** Distinct keys under one rate limit. */
  SLUICE_RATE_LIMIT_KEYS: "1000000",
  /** Requests over HTTP/1.1, HTTP/2 and gRPC, each of which must be counted once. */
  SLUICE_MIXED: "20000",
  /** Distinct paths and junk values under one MetricsPolicy. */
  SLUICE_PATHS: "100000",
  /** Requests that wait at once, of which half leave. */
  SLUICE_WAITING: "10000",
  /** Requests against each of 40 pairs of faults, ours and Envoy's. */
  SLUICE_FAULTS: "50",
  /** Edits of policies under 500 requests a second. */
  SLUICE_EDITS: "200",
  /** Random sets of policies and targets, enforced by a real Envoy. */
  SLUICE_ATTACHMENTS: "30",
  /** Modules built once more in another folder, and compared. */
  SLUICE_REPRODUCE: "all",
};
const files = [
  "supply-chain",
  "parity",
  "matcher",
  "regex",
  "regex-envoy",
  "fuzz",
  "rate-limit",
  "live-edits",
  "attachment",
  "gateway-api",
  "metrics",
  "metrics-bounds",
  "fault-envoy",
  "fault-parity",
];

const { status } = spawnSync(
  process.execPath,
  ["scripts/test.mjs", ...files.map((name) => `tests/${name}.test.ts`)],
  { cwd: dirname(import.meta.dirname), stdio: "inherit", env: { ...lengths, ...process.env } },
);
process.exitCode = status ?? 1;
