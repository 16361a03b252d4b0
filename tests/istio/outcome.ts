// What a client and a backend see of a request, without what differs between any two requests.

import type { Answer } from "../support/mesh.ts";

export interface Outcome {
  status: number;
  headers: Record<string, unknown>;
  /** What reached the backend, where one answered. */
  echo?: { version: string; method: string; path: string; headers: [string, unknown][] };
  body?: string;
}

/** Headers that say when, by whom, or over which port of the test. */
const passing = new Set([
  ...["date", "server", "content-length", "transfer-encoding", "connection", "keep-alive"],
  ...["x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-envoy-upstream-service-time"],
  // Only istiod names the operation of a trace; only ours says which rule injected a fault: docs/istio-differences.md.
  "x-envoy-decorator-operation",
  "x-sluice-fault",
]);

export function outcome(answer: Answer, port: number): Outcome {
  const headers = Object.fromEntries(
    Object.entries(answer.headers)
      .filter(([name]) => !passing.has(name))
      .map(([name, value]) => [name, portless(value, port)]),
  );
  const echo = echoOf(answer.body);
  if (echo === undefined) return { status: answer.status, headers, body: answer.body };
  const reached = echo.headers
    .filter(([name]) => !passing.has(name))
    .map(([name, value]): [string, unknown] => [name, portless(value, port)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const path = echo.path.replace(/(?<=id=)(istiod|ours)/, "side");
  return {
    status: answer.status,
    headers,
    echo: { version: echo.version, method: echo.method, path, headers: reached },
  };
}

const portless = (value: unknown, port: number): unknown =>
  typeof value === "string" ? value.replaceAll(String(port), "PORT") : value;

function echoOf(body: string): Outcome["echo"] | undefined {
  if (!body.startsWith("{")) return undefined;
  return JSON.parse(body) as Outcome["echo"];
}
