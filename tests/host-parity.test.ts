// The host in Node against a real Envoy: one module makes the same hostcalls in both, and what it logs, what
// the upstream sees and what the client gets must be equal, line by line.

import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { compileFixture } from "../host/fixture.ts";
import { type CompiledModule, Host, type Pair, type Route } from "../host/index.ts";
import { bootstrapFor, listenersFile, tell } from "./cases/envoy-config.ts";
import type { CaseRoute } from "./cases/format.ts";
import { callScenarios } from "./cases/parity-calls.ts";
import { headerScenarios } from "./cases/parity-headers.ts";
import type { Scenario } from "./cases/parity-scenarios.ts";
import { send, Upstream } from "./cases/wire.ts";

/** Headers that stand on one side only, since they are about the connection. */
const aside = new Set([
  tell.route,
  tell.cluster,
  tell.details,
  "connection",
  "transfer-encoding",
  "server",
  "date",
  "x-envoy-upstream-service-time",
  "x-envoy-expected-rq-timeout-ms",
]);

const route: CaseRoute = {
  name: "parity",
  virtualHost: "cases",
  domains: ["*"],
  prefix: "/",
  path: undefined,
  headers: {},
  cluster: "parity",
  metadata: { ns: { text: "v", number: 2.5, yes: true, "": "empty key" } },
  remove: [],
};

const scenarios = [...headerScenarios, ...callScenarios];

interface Observed {
  log: string[];
  upstream: Pair[] | undefined;
  status: number;
  headers: Pair[];
  body: string;
  details: string | undefined;
}

describe("the host in Node answers every hostcall as Envoy does", () => {
  const upstream = new Upstream();
  const log: string[] = [];
  let directory: string;
  let module: CompiledModule;
  let envoy: EnvoyProcess;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "sluice-parity-"));
    module = await compileFixture("probe");
    const wasm = join(directory, "probe.wasm");
    await writeFile(wasm, module.bytes);
    const lds = join(directory, "lds.json");
    const listeners = scenarios.map((one, index) => ({
      name: nameOf(index),
      wasm,
      configuration: script(one),
      rootId: one.rootId ?? "",
      capabilities: one.capabilities ?? [],
      routes: [route],
    }));
    await writeFile(`${lds}.new`, JSON.stringify(listenersFile(listeners, "1")));
    await rename(`${lds}.new`, lds);
    const port = await upstream.listen();
    const config = bootstrapFor(lds, ["parity"], port);
    envoy = await startEnvoy({
      binary: await findEnvoy(),
      config,
      concurrency: 1,
      onLog: (line) => log.push(line),
    });
    await until(async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  });

  after(async () => {
    await envoy?.stop();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  });

  for (const [index, one] of scenarios.entries()) {
    test(one.name, async () => {
      const there = await inEnvoy(one, nameOf(index));
      const here = inNode(module, one, nameOf(index));
      assert.deepEqual(here, there);
      assert.ok(there.log.length > 0, "the scenario logs nothing");
    });
  }

  async function inEnvoy(one: Scenario, name: string): Promise<Observed> {
    upstream.seen = [];
    upstream.answer = {
      status: one.answer?.status ?? 200,
      headers: one.answer?.headers ?? [],
      body: one.answer?.body ?? "",
    };
    const headers: Pair[] = [["host", "parity.example"], ...(one.headers ?? [])];
    if (one.body !== undefined) headers.push(["content-length", String(one.body.length)]);
    const line = `${one.method ?? "GET"} ${one.path ?? "/"} HTTP/1.1`;
    const response = await send(await envoy.listenerPort(name), { line, headers, body: one.body ?? "" });
    // The delete callback is the last one: its line tells that all others are there. A trap comes after one line.
    const last = one.dies === true ? "" : "delete";
    await until(() => Promise.resolve(linesOf(log, name).some((text) => text.startsWith(last))));
    return {
      log: linesOf(log, name)
        .filter((text) => !text.startsWith("configure"))
        .map(settle),
      upstream: upstream.seen[0] === undefined ? undefined : comparable(upstream.seen[0].headers),
      status: response.status,
      headers: comparable(response.headers),
      body: response.body,
      details: response.headers.find((pair) => pair[0] === tell.details)?.[1],
    };
  }
});

function inNode(module: CompiledModule, one: Scenario, name: string): Observed {
  const capabilities = one.capabilities ?? [];
  const host = new Host({ module, name, vmId: name, rootId: one.rootId ?? "", capabilities });
  host.configure(script(one));
  host.clearLog();
  const body = one.body ?? "";
  const routed: Route = {
    name: route.name,
    virtualHost: route.virtualHost,
    cluster: route.cluster,
    metadata: route.metadata,
  };
  const pairs: Pair[] = [
    [":authority", "parity.example"],
    [":path", one.path ?? "/"],
    [":method", one.method ?? "GET"],
    [":scheme", "http"],
    ...(one.headers ?? []).filter(([header]) => header !== "connection"),
    ...(one.body === undefined ? [] : [["content-length", String(body.length)] as const]),
    ["x-forwarded-proto", "http"],
  ];
  const stream = host.workers[0].request({ headers: pairs, route: routed, endOfStream: body === "" });
  stream.requestHeaders();
  for (let ms = 0; stream.state === "held" && ms < 1000; ms++) host.advance(1);
  let sent: Pair[] | undefined;
  let response: { headers: readonly Pair[]; body: string } | undefined = stream.localReply;
  if (stream.state === "continued") {
    // The end of an HTTP/1 body comes after its last byte, by itself.
    if (body !== "") stream.requestBody(body, false);
    if (body !== "") stream.requestBody("", true);
    sent = comparable(
      stream.headers.filter(([header]) => !header.startsWith(":") || header === ":authority"),
    );
    const answerBody = one.answer?.body ?? "";
    const answer: Pair[] = [...(one.answer?.headers ?? []), ["content-length", String(answerBody.length)]];
    const status: Pair = [":status", String(one.answer?.status ?? 200)];
    const answered = stream.response({ headers: [status, ...answer], endOfStream: answerBody === "" });
    response = stream.localReply ?? { headers: answered.headers, body: answerBody };
  }
  stream.end();
  const status = response?.headers.find(([header]) => header === ":status")?.[1];
  return {
    log: host.log
      .map((line) => line.message)
      .filter((text) => !/^(Attempted call|Function: )/.test(text))
      .map(settle),
    upstream: sent,
    status: Number(status),
    headers: comparable((response?.headers ?? []).filter(([header]) => header !== ":status")),
    body: response?.body ?? "",
    details: stream.localReply?.details,
  };
}

const nameOf = (index: number) => `parity-${index}`;
const script = (one: Scenario) => `${one.script}\ndelete\treturn\t0\ndelete\tproxyDone`;

function linesOf(log: readonly string[], name: string): string[] {
  return log.flatMap((line) => {
    const found = /wasm log (\S+)[^:]*: (.*)$/s.exec(line);
    return found?.[1] === name ? [found[2] ?? ""] : [];
  });
}

/** Header maps keep their own order; which header stands first among others is the codec's affair. */
function settle(line: string): string {
  const [phase, call, status, ...pairs] = line.split(" ");
  if (call !== "getPairs") return line;
  const shown = pairs.filter((pair) => !aside.has(pair.slice(0, pair.indexOf("="))));
  return [phase, call, status, ...shown.sort()].join(" ");
}

function comparable(headers: readonly Pair[]): Pair[] {
  return headers
    .map(([name, value]): Pair => [name.toLowerCase() === "host" ? ":authority" : name.toLowerCase(), value])
    .filter(([name, value]) => !aside.has(name) && !(name === "content-length" && value === "0"))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("not so within 20 s");
    await delay(10);
  }
}
