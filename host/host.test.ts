// The life of VMs, plugins and streams: what Envoy does around the callbacks.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { compileFixture } from "./fixture.ts";
import {
  bytesReturning,
  type CompiledModule,
  EnvoyCrash,
  Host,
  type HostOptions,
  UnsupportedByHost,
} from "./index.ts";

const headers = [
  [":authority", "a"],
  [":path", "/"],
  [":method", "GET"],
] as const;
const script = (...lines: string[]) => lines.map((line) => line.replaceAll(" ", "\t")).join("\n");

describe("host", () => {
  let module: CompiledModule;
  before(async () => {
    module = await compileFixture("probe");
  });

  const make = (text: string, options: Partial<HostOptions> = {}): Host => {
    const host = new Host({ module, ...options });
    const result = host.configure(text);
    assert.ok(result.ok, JSON.stringify(result));
    return host;
  };
  const lines = (host: Host) => host.log.map((line) => line.message);

  test("a new configuration runs in a canary, on the main thread, on every worker, in this order", () => {
    const host = make(script("configure setShared k v"), { workers: 2 });
    assert.deepEqual(
      host.log.map((line) => line.thread),
      ["canary", "main", "worker 0", "worker 1"],
    );
    assert.deepEqual(host.callbacks(), {
      proxy_on_context_create: 4,
      proxy_on_vm_start: 4,
      proxy_on_configure: 4,
    });
  });

  test("a refused configuration changes nothing; a trap in it is told as such", () => {
    const host = make(script("request getHeader 0 :path"));
    const refused = host.configure(script("configure return 0"));
    assert.deepEqual([refused.ok, refused.thread, refused.trap], [false, "canary", undefined]);
    const trapped = host.configure(script("configure trap"));
    assert.match(trapped.trap ?? "", /proxy_on_configure failed: unreachable/);
    host.clearLog();
    host.workers[0].request({ headers }).requestHeaders();
    assert.deepEqual(lines(host), ['request getHeader 0 "/"']);
  });

  test("a stream held over an update ends under its old root context, which goes with it", () => {
    const host = make(script("request getProperty plugin_root_id"));
    const [worker] = host.workers;
    const old = worker.request({ headers });
    old.requestHeaders();
    host.configure(script("request return 0"));
    assert.equal(worker.contexts, 3);
    host.resetCounts();
    old.end();
    assert.deepEqual(host.callbacks(), { proxy_on_log: 1, proxy_on_done: 2, proxy_on_delete: 2 });
    assert.equal(worker.contexts, 1);
  });

  test("a trap answers 503, and the VM is made again after the back-off", () => {
    const host = make(script("request getHeader 0 x-trap"));
    const [worker] = host.workers;
    host.inject("proxy_get_header_map_value", () => "trap");
    const trapped = worker.request({ headers }).requestHeaders();
    assert.match(trapped.trap ?? "", /proxy_on_request_headers failed: injected/);
    assert.deepEqual([trapped.localReply?.status, trapped.localReply?.details], [503, "wasm_fail_stream"]);
    host.inject("proxy_get_header_map_value", undefined);
    assert.equal(worker.request({ headers }).requestHeaders().localReply?.status, 503);
    host.advance(1000);
    assert.equal(worker.request({ headers }).requestHeaders().action, "continue");
    assert.equal(worker.vmsMade, 2);
  });

  test("failure policies: closed stays 503, open lets requests by", () => {
    for (const [failurePolicy, action] of [
      ["FAIL_CLOSED", "stop"],
      ["FAIL_OPEN", "continue"],
    ] as const) {
      const host = make(script("request trap"), { failurePolicy });
      assert.equal(host.workers[0].request({ headers }).requestHeaders().action, action);
      host.advance(60_000);
      assert.equal(host.workers[0].request({ headers }).requestHeaders().action, action);
    }
  });

  test("a held stream goes on from a tick, on virtual time", () => {
    const host = make(
      script(
        "request setTick 20",
        "request return 1",
        "tick setLastStream",
        "tick continueStream 0",
        "tick setTick 0",
      ),
    );
    const stream = host.workers[0].request({ headers });
    assert.equal(stream.requestHeaders().action, "stop");
    host.advance(19);
    assert.equal(stream.state, "held");
    host.advance(1);
    assert.equal(stream.state, "continued");
    host.resetCounts();
    host.advance(1000);
    assert.deepEqual(host.callbacks(), {});
  });

  test("the two clocks move together, and the wall clock can be stepped alone", () => {
    const host = make("");
    const [now, wall] = [host.now(), host.wallNow()];
    host.advance(5);
    host.stepWall(-1000);
    assert.equal(host.now() - now, 5_000_000n);
    assert.equal(host.wallNow() - wall, -995_000_000n);
  });

  test("what ends the Envoy process is thrown", () => {
    const early = make(script("request continueStream 1"));
    assert.throws(() => early.workers[0].request({ headers }).requestHeaders(), EnvoyCrash);
    assert.throws(() => early.workers[0].request({ headers }).requestHeaders(), EnvoyCrash);
    const late = make(script("log sendLocal 200 d"));
    const stream = late.workers[0].request({ headers });
    stream.requestHeaders();
    assert.throws(() => stream.end(), EnvoyCrash);
  });

  test("what the host does not imitate is refused by name", () => {
    const host = make(script("request getProperty xds\\0route_metadata", "response foreign compress"));
    const stream = host.workers[0].request({ headers, route: { name: "r", metadata: { a: { b: "c" } } } });
    assert.throws(() => stream.requestHeaders(), UnsupportedByHost);
  });

  test("hostcalls are counted, those that return bytes also by themselves", () => {
    const host = make(
      script(
        "request getPairs 0",
        "request getHeader 0 :path",
        "request getHeader 0 x-none",
        "request mapSize 0",
      ),
    );
    const { counts } = host.workers[0].request({ headers }).requestHeaders();
    assert.deepEqual(counts.proxy_get_header_map_value, { calls: 2, bytesReturning: 1 });
    assert.equal(bytesReturning(counts), 2);
  });

  test("an injected fault is what the module gets, from the call that is meant", () => {
    const host = make(script("request getShared k", "request getShared k"));
    host.sharedData().set("k", "v");
    host.inject("proxy_get_shared_data", ({ ordinal }) => (ordinal === 1 ? 6 : undefined));
    host.clearLog();
    host.workers[0].request({ headers }).requestHeaders();
    assert.deepEqual(lines(host), ['request getShared 0 "v"', "request getShared 6"]);
  });

  test("another worker's request can run inside a hostcall", () => {
    const host = make(script("request countShared k"), { workers: 2 });
    host.sharedData().set("k", "0");
    let inside = false;
    host.onHostcall = ({ name, thread, key }) => {
      if (inside || name !== "proxy_set_shared_data" || thread !== "worker 0") return;
      inside = true;
      assert.equal(key, "k");
      host.workers[1]?.request({ headers }).requestHeaders();
    };
    host.clearLog();
    host.workers[0].request({ headers }).requestHeaders();
    assert.deepEqual(lines(host), ["request countShared 1", "request countShared 2"]);
    assert.equal(host.sharedData().get("k")?.value, "2");
  });

  test("an HTTP call is answered, fails, or times out at its time", () => {
    const text = script(
      "request httpCall up /x 50",
      "httpResponse getHeader 6 :status",
      "httpResponse getStatus",
    );
    const host = make(text, { clusters: ["up"] });
    const [worker] = host.workers;
    for (let time = 0; time < 3; time++) worker.request({ headers }).requestHeaders();
    host.clearLog();
    const [first, second] = worker.httpCalls();
    assert.deepEqual([first?.cluster, first?.headers[0]], ["up", [":path", "/x"]]);
    first?.respond({ headers: [[":status", "204"]] });
    second?.fail();
    host.advance(50);
    assert.deepEqual(lines(host), [
      "httpResponse sizes 1 0 0",
      'httpResponse getHeader 0 "204"',
      "httpResponse getStatus 0 0",
      "httpResponse sizes 0 0 0",
      "httpResponse getHeader 2",
      "httpResponse getStatus 0 11",
      "httpResponse sizes 3 24 0",
      'httpResponse getHeader 0 "504"',
      "httpResponse getStatus 0 11",
    ]);
  });

  test("a body can be replaced, put before and put behind", () => {
    const edits = ["0 0 pre-", "99 0 -post", "0 99 new", "1 1 no"].map(
      (one) => `requestBody setBuffer 0 ${one}`,
    );
    const host = make(script(...edits.slice(0, 2)));
    const stream = host.workers[0].request({ headers, endOfStream: false });
    stream.requestHeaders();
    assert.equal(stream.requestBody("body").body, "pre-body-post");
    const other = make(script(...edits.slice(2))).workers[0].request({ headers, endOfStream: false });
    other.requestHeaders();
    assert.equal(other.requestBody("body").body, "new");
  });

  test("a stream can end without request headers, and without a response", () => {
    const host = make(script("log getHeader 0 :path", "log getHeader 2 :status"));
    host.workers[0].request({ headers }).end();
    const gone = host.workers[0].request({ headers });
    gone.requestHeaders();
    gone.end();
    assert.deepEqual(lines(host), [
      "log getHeader 1",
      "log getHeader 1",
      'log getHeader 0 "/"',
      "log getHeader 1",
    ]);
  });

  test("chance is seeded and differs between threads", () => {
    const run = () => {
      const host = make(script("request random"), { workers: 2 });
      for (const worker of host.workers) worker.request({ headers }).requestHeaders();
      return lines(host);
    };
    const [first, second] = run();
    assert.notEqual(first, second);
    assert.deepEqual(run(), [first, second]);
  });
});
