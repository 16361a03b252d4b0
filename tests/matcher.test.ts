// The server's own matcher against Envoy: random VirtualServices that answer with their route's name, random
// requests; host, path form, route and refusal must be the same.

import assert from "node:assert/strict";
import { Agent } from "undici";
import { test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { Random } from "../host/index.ts";
import { resourcesOf } from "../server/fixture.ts";
import { explain } from "../server/match/explain.ts";
import { build } from "../server/snapshot.ts";
import { staticBootstrap } from "./static-bootstrap.ts";

const seed = Number(process.env.SLUICE_SEED ?? 1);
const hostCount = 12;
const requestCount = Number(process.env.SLUICE_REQUESTS ?? 800);

const words = ["a", "b", "ab", "A", "a.b", "0", "00", ""];
const segments = ["a", "b", "A", "..", ".", "", "a%41", "%2e", "a%2Fb", "%5c", "x;y", "%zz", "~", "é"];
const regexes = ["a.*", "[ab]+", "a|b", "(?i)A", "0{1,2}", ".", ".*", "\\\\d+"];

class Draw {
  readonly #random: Random;
  constructor(from: number) {
    this.#random = new Random(from);
  }
  below(n: number): number {
    return this.#random.below(n);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

function textMatch(draw: Draw): string {
  const kind = draw.below(4);
  if (kind === 0) return "{}";
  if (kind === 1) return `{exact: "${draw.of(words)}"}`;
  if (kind === 2) return `{prefix: "${draw.of(words)}"}`;
  return `{regex: "${draw.of(regexes)}"}`;
}

function uriMatch(draw: Draw): string {
  const path = `/${draw.of(["a", "b", "ab", "a/b", "A", "", "x;y", "~"])}`;
  return draw.of([`{exact: "${path}"}`, `{prefix: "${path}"}`, `{regex: "${path}.*"}`]);
}

function virtualService(draw: Draw, index: number): string {
  const host = draw.of([`h${index}.test`, `*.w${index}.test`, `h${index}`]);
  const routes = Array.from({ length: 6 }, (_, i) => {
    const conditions: string[] = [];
    if (draw.chance(60)) conditions.push(`uri: ${uriMatch(draw)}`);
    if (draw.chance(20)) conditions.push("ignoreUriCase: true");
    if (draw.chance(50)) conditions.push(`headers: {h: ${textMatch(draw)}}`);
    if (draw.chance(40)) conditions.push(`withoutHeaders: {w: ${textMatch(draw)}}`);
    if (draw.chance(30)) conditions.push(`queryParams: {q: ${textMatch(draw)}}`);
    if (draw.chance(20)) conditions.push(`method: {exact: ${draw.of(["GET", "POST"])}}`);
    if (draw.chance(10)) conditions.push(`authority: {regex: ".*:80"}`);
    if (conditions.length === 0) conditions.push("uri: {prefix: /}");
    return `  - name: r${index}-${i}
    match: [{${conditions.join(", ")}}]
    directResponse: {status: 200, body: {string: "r${index}-${i}"}}`;
  });
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v${index}, namespace: n}
spec:
  hosts: ["${host}"]
  http:
${routes.join("\n")}
`;
}

test(`${requestCount} random requests to random routes, seed ${seed}`, async () => {
  const draw = new Draw(seed);
  const services = Array.from({ length: hostCount }, (_, i) => virtualService(draw, i));
  const options = { listen: { host: "127.0.0.1", port: 0 }, modules: {}, delivery: "inline" } as const;
  const built = build(await resourcesOf(services.join("---\n")), options);
  assert.deepEqual(
    built.diagnostics.filter((d) => d.severity === "error"),
    [],
  );
  const node = {
    id: "",
    cluster: "",
    role: "gateway",
    namespace: "",
    labels: {},
    envoyVersion: "1.40.0",
  } as const;
  const envoy = await startEnvoy({
    binary: await findEnvoy(),
    config: staticBootstrap(built.snapshotFor(node)),
    concurrency: 1,
  });
  const agent = new Agent({ connections: 4 });
  try {
    const port = await envoy.listenerPort("mesh");
    const outcomes = new Map<string, number>();
    for (let i = 0; i < requestCount; i++) {
      const asked = randomRequest(draw);
      const { statusCode, headers, body } = await agent.request({
        origin: `http://127.0.0.1:${port}`,
        method: asked.method,
        path: Buffer.from(asked.path).toString("latin1"),
        headers: ["host", asked.authority, ...asked.headers.flat()],
      });
      const answered = statusCode === 200 ? await body.text() : `${statusCode} ${headers.location ?? ""}`;
      if (statusCode !== 200) await body.dump();
      const told = await explain(built, {}, { ...asked, scheme: "http", sourceIp: "127.0.0.1", port: 80 });
      const expected =
        told.result.status === 200
          ? (told.route?.name ?? "")
          : `${told.result.status} ${told.result.location ?? ""}`;
      assert.equal(expected, answered, JSON.stringify(asked));
      const kind = statusCode === 200 ? "route" : String(statusCode);
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    for (const kind of ["route", "404", "307", "400"]) assert.ok((outcomes.get(kind) ?? 0) > 0, kind);
  } finally {
    await agent.close();
    await envoy.stop();
  }
});

function randomRequest(draw: Draw) {
  const index = draw.below(hostCount);
  const authority = draw.of([
    `h${index}.test`,
    `H${index}.TEST:80`,
    `x.w${index}.test`,
    `h${index}.n`,
    `h${index}:9999`,
    `h${index}.n.svc.cluster.local`,
  ]);
  const path = `/${Array.from({ length: draw.below(4) }, () => draw.of(segments)).join("/")}`;
  const query = draw.chance(50)
    ? `?${draw.of(["q=a", "q=", "q", "q=b&q=a", "x=1&q=ab", "q=%61", "q=a;q=b"])}`
    : "";
  const headers: [string, string][] = [];
  for (const name of ["h", "w"]) {
    for (let n = draw.below(3); n > 0; n--) headers.push([name, draw.of(words)]);
  }
  return {
    method: draw.of(["GET", "POST"]),
    authority,
    path: Buffer.from(path + query).toString("latin1"),
    headers,
  };
}
