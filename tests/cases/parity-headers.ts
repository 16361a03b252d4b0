// Header maps and properties, for host-parity.test.ts.

import type { Pair } from "../../host/index.ts";
import { type Scenario, script } from "./parity-scenarios.ts";

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

export const headerScenarios: readonly Scenario[] = [
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
];
