// What header_routing promises beyond a single request: memory that stays, users that stay, configurations that
// are replaced while streams are open, plugins that share a VM, only the capabilities that it needs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { projectRoot } from "../envoy/root.ts";
import { type CompiledModule, compileModule, Host, type Pair, type Stream } from "../host/index.ts";

const route = { name: "base", virtualHost: "search:80" };

const policy = (rules: unknown[], extra: object = {}) => ({
  policies: [{ name: "ns/p", attach: [{ route: "base" }], ...extra, rules }],
});

const split = (v1: number, v2: number, stickyBy: unknown = { header: "uid" }) => ({
  name: "split",
  destinations: [
    { subset: "v1", weight: v1 },
    { subset: "v2", weight: v2 },
  ],
  stickyBy,
});

describe("header_routing", () => {
  let module: CompiledModule;
  before(async () => {
    module = await compileModule(await readFile(join(projectRoot, "build/filters/header_routing.wasm")));
  });

  const configured = (configuration: unknown, options: object = {}): Host => {
    const host = new Host({ module, ...options });
    const result = host.configure(JSON.stringify(configuration));
    assert.equal(result.refusal, undefined);
    assert.ok(result.ok);
    return host;
  };

  test("1,000 configurations, each different, leave memory as it was after the first hundred", () => {
    const host = configured(policy([split(1, 1)]));
    let size = 0;
    for (let i = 0; i < 1000; i++) {
      const match = [{ headers: { uid: { regex: `[a-c]{${(i % 7) + 1}}x*` } } }];
      const rules = [
        { ...split(i + 1, 1), match },
        { name: "in", match: many(i), destination: { subset: "v3" } },
      ];
      assert.ok(host.configure(JSON.stringify(policy(rules, { seed: String(i) }))).ok);
      send(host, [["uid", "b"]]);
      if (i === 100) size = host.main.memoryBytes;
    }
    assert.equal(host.main.memoryBytes, size);
    assert.ok(host.main.metricIds < 10, `${host.main.metricIds} metric ids`);
  });

  test("20,000 requests leave memory as it was", () => {
    const host = configured(policy([{ ...split(1, 1, { cookie: { name: "arm" } }), headers: changes("a") }]));
    send(host, []);
    const size = host.workers[0].memoryBytes;
    for (let i = 0; i < 20_000; i++) send(host, [["uid", String(i)]]);
    assert.equal(host.workers[0].memoryBytes, size);
  });

  test("each of 200 users is on one version over 10,000 requests, on every worker", () => {
    const host = configured(policy([split(50, 50)]), { workers: 2 });
    const seen = new Map<string, string>();
    for (let i = 0; i < 10_000; i++) {
      const user = String(i % 200);
      const destination = steeredTo(start(host, [["uid", user]], i % 2));
      assert.equal(destination, seen.get(user) ?? destination, `user ${user}`);
      seen.set(user, destination);
    }
    const share = [...seen.values()].filter((one) => one === "base/v1").length;
    assert.ok(share > 70 && share < 130, `${share} of 200 on v1`);
  });

  test("a raised weight moves users only to the raised side, whatever the order in the file", () => {
    const few = configured(policy([split(95, 5)]));
    const rule = split(80, 20);
    const more = configured(policy([{ ...rule, destinations: rule.destinations.toReversed() }]));
    let moved = 0;
    for (let user = 0; user < 2000; user++) {
      const was = steeredTo(start(few, [["uid", String(user)]]));
      const is = steeredTo(start(more, [["uid", String(user)]]));
      if (was === "base/v2") assert.equal(is, "base/v2", `user ${user}`);
      else if (is !== was) moved++;
    }
    assert.ok(moved > 200 && moved < 400, `${moved} of 2,000 moved`);
  });

  test("a drawn cookie is set once, with its attributes, and keeps its user where the draw was", () => {
    const host = configured(policy([split(1, 1, { cookie: { name: "arm", ttl: "90s" } })]));
    for (let i = 0; i < 50; i++) {
      const stream = start(host, []);
      const drawn = steeredTo(stream);
      const [cookie, ...more] = answered(stream, "set-cookie");
      assert.deepEqual(more, []);
      assert.match(cookie ?? "", /^arm=[0-9a-f]{16}; Max-Age=90; Path=\/; HttpOnly$/);
      const again = start(host, [["cookie", (cookie ?? "").slice(0, 20)]]);
      assert.equal(steeredTo(again), drawn);
      assert.deepEqual(answered(again, "set-cookie"), []);
    }
    const session = configured(policy([split(1, 1, { cookie: { name: "arm" } })]));
    assert.match(
      answered(start(session, []), "set-cookie")[0] ?? "",
      /^arm=[0-9a-f]{16}; Path=\/; HttpOnly$/,
    );
  });

  test("a stream that is open while its configuration is replaced ends as it began", () => {
    const host = configured(policy([{ name: "all", headers: changes("old") }]));
    const stream = start(host, []);
    for (let i = 0; i < 20; i++)
      assert.ok(host.configure(JSON.stringify(policy([{ name: "all", headers: changes(`new${i}`) }]))).ok);
    assert.deepEqual(answered(stream, "x-change"), ["old"]);
    assert.deepEqual(answered(start(host, []), "x-change"), ["new19"]);
  });

  test("a refused configuration changes nothing", () => {
    const host = configured(policy([{ name: "all", destination: { subset: "v2" } }]));
    assert.equal(host.configure("{}").ok, false);
    assert.equal(steeredTo(start(host, [])), "base/v2");
  });

  test("plugins that share a VM keep their configurations apart", () => {
    const host = configured(policy([{ name: "all", destination: { subset: "v1" } }]), { rootId: "one" });
    const second = policy([{ name: "all", destination: { subset: "v2" } }]);
    assert.ok(host.configure(JSON.stringify(second), { rootId: "two" }).ok);
    assert.equal(steeredTo(start(host, [], 0, "one")), "base/v1");
    assert.equal(steeredTo(start(host, [], 0, "two")), "base/v2");
    const third = policy([{ name: "all", destination: { subset: "v3" } }]);
    assert.ok(host.configure(JSON.stringify(third), { rootId: "one" }).ok);
    assert.equal(steeredTo(start(host, [], 0, "one")), "base/v3");
    assert.equal(steeredTo(start(host, [], 0, "two")), "base/v2");
  });

  test("it acts with the capabilities of its own hostcalls and the callbacks of requests alone", () => {
    const hostcalls = module.imports.map((name) => name.slice(name.indexOf(".") + 1));
    const capabilities = ["proxy_on_configure", "proxy_on_request_headers", ...hostcalls];
    const host = configured(policy([{ name: "all", destination: { subset: "v2" } }]), { capabilities });
    assert.equal(steeredTo(start(host, [])), "base/v2");
    send(host, []);
    assert.equal(host.callbacks().proxy_on_log ?? 0, 0);
  });

  test("a full table of streams is counted and leaves routing alone", () => {
    const rule = { name: "all", destination: { subset: "v2" }, headers: changes("a") };
    const host = configured({ ...policy([rule]), maxStreams: 64 });
    const streams: Stream[] = [];
    for (let i = 0; i < 70; i++) {
      const stream = start(host, []);
      assert.equal(steeredTo(stream), "base/v2");
      streams.push(stream);
    }
    const changed = streams.filter((stream) => answered(stream, "x-change").length > 0);
    assert.equal(changed.length, 64);
    assert.deepEqual(answered(start(host, []), "x-change"), ["a"]);
  });

  test("10,000 attached routes cost a request no more hostcalls than one", () => {
    const rules = [{ name: "all", destination: { subset: "v2" } }];
    const others = Array.from({ length: 10_000 }, (_, i) => ({
      name: `ns/${i}`,
      attach: [{ virtualHost: `h${i}:80`, route: `r${i}` }],
      rules,
    }));
    const host = configured({ policies: [...others, { name: "ns/p", attach: [{ route: "base" }], rules }] });
    const stream = host.workers[0].request({ headers: request([]), route });
    const { counts } = stream.requestHeaders();
    assert.equal(counts.proxy_get_property?.calls, 1);
    assert.equal(steeredTo(stream), "base/v2");
    stream.end();
  });
});

const changes = (value: string) => ({ response: { set: { "x-change": value } } });

/** Matches whose sets, ranges and texts take memory of different sizes. */
function many(i: number): unknown[] {
  const values = Array.from({ length: 50 + (i % 50) }, (_, n) => `value-${n}-${i}`);
  return [{ headers: { tenant: { in: values } }, sourceIp: ["10.0.0.0/8", "2001:db8::/32"] }];
}

function request(headers: Pair[]): Pair[] {
  return [[":method", "GET"], [":path", "/"], [":scheme", "http"], [":authority", "search"], ...headers];
}

function start(host: Host, headers: Pair[], worker = 0, rootId?: string): Stream {
  const options = { headers: request(headers), route, ...(rootId === undefined ? {} : { rootId }) };
  const stream = (host.workers[worker] ?? host.main).request(options);
  const outcome = stream.requestHeaders();
  assert.equal(outcome.action, "continue");
  return stream;
}

/** What the filter wrote for Envoy's second look. */
function steeredTo(stream: Stream): string {
  return stream.headers.find(([name]) => name === "x-sluice-destination")?.[1] ?? "";
}

/** The values of a header of the response; the stream is over then. */
function answered(stream: Stream, name: string): string[] {
  const { headers } = stream.response({ headers: [[":status", "200"]] });
  stream.end();
  return headers.filter(([one]) => one === name).map(([, value]) => value);
}

function send(host: Host, headers: Pair[]): void {
  answered(start(host, headers), "");
}
