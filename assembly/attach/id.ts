// The route by one number: our server gives every route the metadata sluice.id, a hash of the names of virtual host and
// route (server/route-id.ts). One hostcall in place of two; where the listener is not ours, the names give the same.

import { OK, proxy_get_property } from "../abi/hostcalls";
import { literal } from "../bytes";
import { ByteString } from "../set";
import { readRouteName, readVirtualHost, routeName, virtualHost } from "./lookup";

const ROUTE_ID: ByteString = literal("xds\0route_metadata\0filter_metadata\0sluice\0id");

const OFFSET: u64 = 0xcbf29ce484222325;
const PRIME: u64 = 0x100000001b3;
const result: usize = memory.data(8, 4);

/** Identity of the present request's route, never 0. Reads the names where the route has no number. */
export function readRouteId(): u64 {
  store<u64>(result, 0);
  const found = proxy_get_property(ROUTE_ID.start, ROUTE_ID.length, result, result + 4) === OK;
  // A number comes as f64.
  if (found && load<u32>(result, 4) === 8) return <u64>load<f64>(load<usize>(result));
  readVirtualHost();
  readRouteName();
  return routeIdOf(virtualHost, routeName);
}

/** FNV-1a over VIRTUAL-HOST, a line feed and ROUTE, its upper 52 bits, which a double holds; 1 in place of 0. */
export function routeIdOf(virtualHost: ByteString, route: ByteString): u64 {
  let hash = addBytes(OFFSET, virtualHost);
  hash = (hash ^ 10) * PRIME;
  hash = addBytes(hash, route) >> 12;
  return hash === 0 ? 1 : hash;
}

function addBytes(hash: u64, text: ByteString): u64 {
  const end = text.start + text.length;
  for (let at = text.start; at < end; at++) hash = (hash ^ load<u8>(at)) * PRIME;
  return hash;
}
