// The route by one number: our server gives every route the metadata sluice.id, a hash of the names of virtual host and
// route (server/route-id.ts). One hostcall in place of two; where the listener is not ours, the names give the same.

import { OK, proxy_get_property } from "../abi/hostcalls";
import { literal } from "../bytes";
import { ByteString } from "../set";

const ROUTE_ID: ByteString = literal("xds\0route_metadata\0filter_metadata\0sluice\0id");

const OFFSET: u64 = 0xcbf29ce484222325;
const PRIME: u64 = 0x100000001b3;
const result: usize = memory.data(8, 4);

let number: u64 = 0;
let isRead: bool = false;

/** A new request: the number that was read of the last one is forgotten. */
// @ts-ignore: decorator
@inline
export function forgetRouteNumber(): void {
  isRead = false;
}

/** The number that was read of this request before, in another callback. */
export function recallRouteNumber(known: u64): void {
  number = known;
  isRead = true;
}

/** The number that the present request's route carries, read at most once; 0: none. */
export function routeNumber(): u64 {
  if (isRead) return number;
  isRead = true;
  store<u64>(result, 0);
  const found = proxy_get_property(ROUTE_ID.start, ROUTE_ID.length, result, result + 4) === OK;
  // A number comes as f64.
  number = found && load<u32>(result, 4) === 8 ? <u64>load<f64>(load<usize>(result)) : 0;
  return number;
}

/** FNV-1a over VIRTUAL-HOST, a line feed and ROUTE, its upper 52 bits, which a double holds; 1 in place of 0. */
export function routeIdOf(host: usize, hostLength: u32, route: usize, routeLength: u32): u64 {
  let hash = addBytes(OFFSET, host, hostLength);
  hash = (hash ^ 10) * PRIME;
  hash = addBytes(hash, route, routeLength) >> 12;
  return hash === 0 ? 1 : hash;
}

function addBytes(hash: u64, start: usize, length: u32): u64 {
  const end = start + length;
  for (let at = start; at < end; at++) hash = (hash ^ load<u8>(at)) * PRIME;
  return hash;
}
