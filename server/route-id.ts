// A route's identity as one number, for the filters: its metadata sluice.id, which costs them one hostcall where the
// names of virtual host and route cost two. A hash of the names, so that an edit changes no other route's, and every
// replica gives the same; assembly/attach/id.ts computes it from the names where a listener is not ours.

import { create, toBinary } from "@bufbuild/protobuf";
import { RouteSchema } from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";

const text = new TextEncoder();

/** FNV-1a of VIRTUAL-HOST, a line feed and ROUTE, its upper 52 bits, which a double holds; 1 in place of 0. */
export function routeId(virtualHost: string, route: string): number {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (const byte of text.encode(`${virtualHost}\n${route}`)) {
    // Times 2^40 + 435, modulo 2^64, in halves.
    low = (low ^ byte) >>> 0;
    const product = low * 435;
    high = (Math.imul(high, 435) + Math.floor(product / 0x1_0000_0000) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high * 0x10_0000 + (low >>> 12) || 1;
}

/** A route with nothing but this metadata, whose last 8 bytes are the number. */
const template = toBinary(
  RouteSchema,
  create(RouteSchema, { metadata: { filterMetadata: { sluice: { id: 1 } } } }),
);

/** What is added to the bytes of a route, so that it has its identity. */
export function routeIdField(virtualHost: string, route: string): Uint8Array {
  const bytes = template.slice();
  new DataView(bytes.buffer).setFloat64(bytes.length - 8, routeId(virtualHost, route), true);
  return bytes;
}
