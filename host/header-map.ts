// A header map that behaves as Envoy's does: names in lower case, pseudo headers first, and the headers that
// Envoy keeps in fixed slots merged into one line (a second `accept` becomes `a,b`; `host` is `:authority`).

import type { Pair } from "./pairs.ts";

const inBoth =
  "connection content-length content-type keep-alive proxy-connection proxy-status transfer-encoding upgrade via " +
  "x-envoy-attempt-count x-envoy-decorator-operation x-request-id";

const inRequest =
  ":authority :method :path :protocol :scheme expect grpc-timeout te user-agent x-client-trace-id " +
  "x-envoy-downstream-service-cluster x-envoy-downstream-service-node x-envoy-expected-rq-timeout-ms " +
  "x-envoy-external-address x-envoy-force-trace x-envoy-hedge-on-per-try-timeout x-envoy-internal x-envoy-ip-tags " +
  "x-envoy-max-retries x-envoy-original-path x-envoy-original-url x-envoy-retriable-header-names " +
  "x-envoy-retriable-status-codes x-envoy-retry-grpc-on x-envoy-retry-on x-envoy-upstream-alt-stat-name " +
  "x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-rq-timeout-alt-response x-envoy-upstream-rq-timeout-ms " +
  "x-envoy-upstream-stream-duration-ms x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-proto";

const inResponse =
  ":status date grpc-message grpc-status location server x-envoy-degraded x-envoy-immediate-health-check-fail " +
  "x-envoy-ratelimited x-envoy-upstream-canary x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time";

/** Slots that extensions linked into the official binary register. */
const extensionsInRequest =
  "accept accept-encoding access-control-request-headers access-control-request-method authorization cache-control " +
  "content-encoding grpc-accept-encoding if-match if-modified-since if-none-match if-range if-unmodified-since origin " +
  "pragma referer";

const extensionsInResponse =
  "access-control-allow-credentials access-control-allow-headers access-control-allow-methods " +
  "access-control-allow-origin access-control-expose-headers access-control-max-age age cache-control " +
  "content-encoding etag expires last-modified vary";

const slots = {
  request: new Set(`${inBoth} ${inRequest} ${extensionsInRequest}`.split(" ")),
  response: new Set(`${inBoth} ${inResponse} ${extensionsInResponse}`.split(" ")),
  trailers: new Set<string>(),
} as const;

export type HeaderMapKind = keyof typeof slots;

export class HeaderMap {
  readonly kind: HeaderMapKind;
  #entries: [string, string][] = [];

  constructor(kind: HeaderMapKind, pairs: Iterable<Pair> = []) {
    this.kind = kind;
    for (const [name, value] of pairs) this.add(name, value);
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Bytes of all names and values, as `proxy_get_header_map_size` counts them. */
  get byteSize(): number {
    return this.#entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  }

  /** All headers in Envoy's order, repeated ones included. The list is live: copy it to keep it. */
  pairs(): readonly Pair[] {
    return this.#entries;
  }

  /** The first value, as a single read by a module sees it. */
  get(name: string): string | undefined {
    const key = this.#key(name);
    return this.#entries.find((entry) => entry[0] === key)?.[1];
  }

  values(name: string): string[] {
    const key = this.#key(name);
    return this.#entries.filter((entry) => entry[0] === key).map((entry) => entry[1]);
  }

  /** Appends a line, or merges into the header's slot with a comma. */
  add(name: string, value: string): void {
    const key = this.#key(name);
    const entry = slots[this.kind].has(key) ? this.#entries.find((one) => one[0] === key) : undefined;
    if (entry !== undefined) {
      if (value !== "") entry[1] = entry[1] === "" ? value : `${entry[1]},${value}`;
    } else if (key.startsWith(":")) {
      const end = this.#entries.findIndex((one) => !one[0].startsWith(":"));
      this.#entries.splice(end < 0 ? this.#entries.length : end, 0, [key, value]);
    } else {
      this.#entries.push([key, value]);
    }
  }

  /** All lines of that name are removed and one is added at the end. */
  replace(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: string): void {
    const key = this.#key(name);
    this.#entries = this.#entries.filter((entry) => entry[0] !== key);
  }

  setAll(pairs: Iterable<Pair>): void {
    this.#entries = [];
    for (const [name, value] of pairs) this.add(name, value);
  }

  #key(name: string): string {
    const lower = lowerCase(name);
    return lower === "host" && this.kind === "request" ? ":authority" : lower;
  }
}

/** Lower case of A-Z alone: `toLowerCase` would also fold bytes above 0x7F. */
function lowerCase(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}
