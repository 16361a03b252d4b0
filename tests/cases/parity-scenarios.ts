// What the probe module is told to do in host-parity.test.ts. A line is `PHASE CALL ARGUMENT...`, written with
// spaces here and given with tabs; `_` stands for a space inside an argument, `0` bytes are written `\0`.

import type { Pair } from "../../host/index.ts";

export interface Scenario {
  name: string;
  script: string;
  method?: string;
  path?: string;
  headers?: readonly Pair[];
  body?: string;
  answer?: { status?: number; headers?: readonly Pair[]; body?: string };
  rootId?: string;
  /** The module traps: nothing is logged after that. */
  dies?: true;
  capabilities?: readonly string[];
}

const script = (...lines: string[]) =>
  lines.map((line) => line.replaceAll(" ", "\t").replaceAll("_", " ")).join("\n");

const inlineRequestHeaders =
  "accept accept-encoding access-control-request-headers access-control-request-method authorization cache-control " +
  "content-type cookie expect grpc-accept-encoding if-match if-modified-since if-none-match if-range " +
  "if-unmodified-since origin pragma proxy-status range referer user-agent via x-client-trace-id x-envoy-attempt-count " +
  "x-envoy-max-retries x-envoy-original-path x-other";

const inlineResponseHeaders =
  "access-control-allow-credentials access-control-allow-headers access-control-allow-methods access-control-allow-origin " +
  "access-control-expose-headers access-control-max-age age cache-control content-encoding content-type etag expires " +
  "grpc-message last-modified location proxy-status set-cookie vary via x-envoy-degraded x-envoy-ratelimited x-other";

const twice = (names: string): Pair[] =>
  names.split(" ").flatMap((name): Pair[] => [
    [name, "1"],
    [name, "2"],
  ]);

export const scenarios: readonly Scenario[] = [
  {
    name: "request headers: order, repeated lines, Envoy's slots, upper case, empty values, 8-bit bytes",
    script: script(
      "request getPairs 0",
      "request mapSize 0",
      "request getHeader 0 x-rep",
      "request getHeader 0 X-REP",
    ),
    headers: [
      ["X-Rep", "a"],
      ["x-rep", "b"],
      ["x-empty", ""],
      ["x-bytes", "\xe9\xff"],
      ["x-a", "1"],
    ],
  },
  {
    name: "which request headers are merged into one",
    script: script("request getPairs 0"),
    headers: twice(inlineRequestHeaders.replace("expect ", "").replace("x-envoy-max-retries ", "")),
  },
  {
    name: "which response headers are merged into one",
    script: script("response getPairs 2"),
    answer: { headers: twice(inlineResponseHeaders) },
  },
  {
    name: "header changes: add, replace, remove, of what is there and what is not",
    script: script(
      "request addHeader 0 x-a 3",
      "request replaceHeader 0 x-b 9",
      "request replaceHeader 0 X-New n",
      "request removeHeader 0 x-c",
      "request removeHeader 0 x-none",
      "request addHeader 0 accept two",
      "request replaceHeader 0 :path /new",
      "request replaceHeader 0 host other.example",
      "request getHeader 0 :authority",
      "request getHeader 0 host",
      "request addHeader 0 x-empty",
      "request getPairs 0",
    ),
    headers: [
      ["x-a", "1"],
      ["x-a", "2"],
      ["x-b", "1"],
      ["x-b", "2"],
      ["x-c", "1"],
      ["x-c", "2"],
      ["accept", "one"],
    ],
  },
  {
    name: "maps that are not there: wrong phases, wrong types",
    script: script(
      "request getPairs 1",
      "request getPairs 2",
      "request getHeader 2 :status",
      "request addHeader 2 a b",
      "request mapSize 2",
      "request getPairs 6",
      "request getPairs 9",
      "request getHeader 8 a",
      "request addHeader 4 a b",
      "response getPairs 0",
      "response getHeader 0 :path",
      "response addHeader 0 a b",
      "response getHeader 2 :status",
      "response getHeader 2 x-none",
      "log getHeader 0 :path",
      "log getHeader 2 :status",
      "log getHeader 2 x-none",
      "log getHeader 3 x-none",
      "log getPairs 3",
      "log getHeader 1 x-none",
      "log addHeader 0 a b",
      "log addHeader 2 a b",
      "done getHeader 0 :path",
      "done getPairs 0",
    ),
  },
  {
    name: "response headers: read, changed, seen by the client and in the log",
    script: script(
      "response addHeader 2 x-added 1",
      "response replaceHeader 2 x-up 2",
      "response getHeader 2 :status",
      "log getHeader 2 x-added",
    ),
    answer: { status: 201, headers: [["x-up", "1"]], body: "hello" },
  },
  {
    name: "properties: route, plugin, request, response, metadata of every type, and what is missing",
    script: script(
      "request getProperty xds\\0route_name",
      "request getProperty xds\\0virtual_host_name",
      "request getProperty xds\\0cluster_name",
      "request getProperty xds\\0route_metadata\\0filter_metadata\\0ns\\0text",
      "request getProperty xds\\0route_metadata\\0filter_metadata\\0ns\\0number",
      "request getProperty xds\\0route_metadata\\0filter_metadata\\0ns\\0yes",
      "request getProperty xds\\0route_metadata\\0filter_metadata\\0ns\\0none",
      "request getProperty xds\\0route_metadata\\0filter_metadata\\0none\\0text",
      "request getProperty xds\\0route_name\\0",
      "request getProperty xds\\0none",
      "request getProperty route_name",
      "request getProperty none",
      "request getProperty",
      "request getProperty plugin_root_id",
      "request getProperty plugin_name",
      "request getProperty plugin_vm_id",
      "request getProperty request\\0path",
      "request getProperty request\\0url_path",
      "request getProperty request\\0query",
      "request getProperty request\\0host",
      "request getProperty request\\0method",
      "request getProperty request\\0scheme",
      "request getProperty request\\0headers\\0x-a",
      "request getProperty request\\0headers\\0none",
      "request getProperty request\\0referer",
      "request getProperty response\\0code",
      "request setProperty mine value",
      "request getProperty mine",
      "response getProperty response\\0code",
      "response getProperty mine",
      "response getProperty xds\\0route_name",
      "log getProperty mine",
      "log getProperty response\\0code",
      "log getProperty xds\\0route_name",
      "log getProperty request\\0path",
    ),
    path: "/p?a=b",
    headers: [
      ["x-a", "1"],
      ["x-a", "2"],
    ],
    rootId: "root-1",
  },
  {
    name: "shared data: compare-and-set",
    script: script(
      "request getShared none",
      "request setShared fresh 1 77",
      "request getShared fresh",
      "request setShared fresh 2 4000000000",
      "request swapShared fresh 3 0",
      "request getShared fresh",
      "request swapShared fresh 4 1",
      "request setShared fresh 5 0",
      "request getShared fresh",
      "request setShared empty",
      "request getShared empty",
    ),
  },
  {
    name: "metrics: ids, increments, gauges, what is not there",
    script: script(
      "request defineMetric 0 parity_counter",
      "request defineMetric 0 parity_counter",
      "request defineMetric 1 parity_gauge",
      "request defineMetric 2 parity_histogram",
      "request defineMetric 3 parity_none",
      "request incrementMetric 4 3",
      "request incrementMetric 8 4",
      "request getMetric 4",
      "request incrementMetric 4 0",
      "request incrementMetric 4 -1",
      "request incrementMetric 5 5",
      "request incrementMetric 5 -2",
      "request getMetric 5",
      "request recordMetric 5 9",
      "request getMetric 5",
      "request recordMetric 4 2",
      "request getMetric 4",
      "request recordMetric 6 7",
      "request incrementMetric 6 7",
      "request getMetric 6",
      "request incrementMetric 400 1",
      "request recordMetric 400 1",
      "request getMetric 400",
      "request getMetric 3",
    ),
  },
  {
    name: "a local reply to the request: body, details with blanks, additional header, response callbacks",
    script: script(
      "request sendLocal 429 my_details slow_down",
      "response getPairs 2",
      "response addHeader 2 x-late 1",
      "log getHeader 2 :status",
      "log getHeader 0 :path",
    ),
  },
  {
    name: "a local reply without a body",
    script: script("request sendLocal 403 d", "response getPairs 2"),
  },
  {
    name: "a local reply to HEAD",
    script: script("request sendLocal 403 d body", "response getPairs 2"),
    method: "HEAD",
  },
  {
    name: "a local reply to gRPC without a status of its own",
    script: script("request sendLocal 429 d slow", "response getPairs 2"),
    method: "POST",
    headers: [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ],
  },
  {
    name: "a local reply to gRPC with status 8",
    script: script("request sendLocal 429 d slow 8", "response getPairs 2"),
    method: "POST",
    headers: [["content-type", "application/grpc+proto"]],
  },
  {
    name: "a local reply's return value counts for nothing",
    script: script("request sendLocal 418 d", "request return 0"),
  },
  {
    name: "a local reply while the response passes",
    script: script("response sendLocal 502 d replaced", "response return 0"),
    answer: { status: 200, headers: [["x-up", "1"]] },
  },
  {
    name: "foreign functions",
    script: script("request foreign clear_route_cache", "request foreign none"),
  },
  {
    name: "WASI clocks",
    script: script("request clock 0", "request clock 1", "request clock 2", "request clock 3"),
  },
  {
    name: "effective contexts",
    script: script("request setContext 9999", "request setContext 0", "request setLastStream"),
  },
  {
    name: "bad arguments",
    script: script(
      "request continueStream 4",
      "request closeStream 9",
      "request getBuffer 9 0 1",
      "request getBuffer 7 0 9",
      "request getBuffer 4 0 9",
      "request httpCall none / 100",
    ),
  },
  {
    name: "an HTTP call that misses its cluster",
    script: script("request httpCall nowhere /x 100"),
  },
  {
    name: "an allocator that gives nothing: the call fails with 6 and nothing dies",
    script: script(
      "request starve 1",
      "request getPairs 0",
      "request getHeader 0 :path",
      "request getProperty xds\\0route_name",
      "request starve 0",
      "request getHeader 0 :path",
    ),
  },
  {
    name: "hostcalls without capability return 10, WASI 76; callbacks without one are never called",
    script: script(
      "request getPairs 0",
      "request clock 1",
      "request setShared a b 0",
      "request getHeader 0 :path",
      "response getHeader 2 :status",
    ),
    capabilities: [
      "proxy_on_configure",
      "proxy_on_vm_start",
      "proxy_on_request_headers",
      "proxy_on_delete",
      "proxy_on_context_create",
      "proxy_log",
      "proxy_get_buffer_bytes",
      "proxy_get_header_map_value",
    ],
  },
  {
    name: "a held stream goes on from a tick, where its headers can still be read and changed",
    script: script(
      "request setTick 20",
      "request return 1",
      "tick setLastStream",
      "tick addHeader 0 x-held 1",
      "tick setTick 0",
      "tick continueStream 0",
      "tick getHeader 0 :path",
      "response getHeader 2 :status",
      "log getHeader 0 x-held",
    ),
  },
  {
    name: "a held stream is answered from a tick",
    script: script(
      "request setTick 20",
      "request return 1",
      "tick setLastStream",
      "tick setTick 0",
      "tick sendLocal 503 late sorry",
      "response getPairs 2",
      "log getHeader 2 :status",
    ),
  },
  {
    name: "a trap in the request: 503, and nothing more is called",
    script: script(
      "request getHeader 0 :path",
      "request trap",
      "response getHeader 2 :status",
      "log getHeader 0 :path",
    ),
    dies: true,
  },
  {
    name: "a trap in the response: 503, and nothing more is called",
    script: script("response getHeader 2 :status", "response trap", "log getHeader 0 :path"),
    dies: true,
  },
  {
    name: "closing the stream",
    script: script("request getHeader 0 :path", "response closeStream 9", "response closeStream 3"),
  },
  {
    name: "a request body is read",
    script: script(
      "requestBody getBuffer 0 0 3",
      "requestBody getBuffer 0 2 100",
      "requestBody getBuffer 0 100 1",
      "requestBody bufferStatus 0",
      "request getBuffer 0 0 9",
    ),
    method: "POST",
    body: "hello",
  },
];
