// The policies of the present request, one by one in the order of the configuration. Properties are read only as
// far as the table needs them.

import { scratch } from "../abi/arena";
import { readProperty, ROUTE_NAME, VIRTUAL_HOST_NAME } from "../abi/property";
import { lower } from "../bytes";
import { textMatches } from "../match/text";
import { authority, needRequestHeaders, uri } from "../request/view";
import { ByteString } from "../set";
import { forgetRouteNumber, routeIdOf, routeNumber } from "./id";
import {
  Attached,
  AttachTable,
  EVERY,
  find,
  findById,
  HOST,
  HOST_PREFIX,
  HOST_SUFFIX,
  MARK,
  ROUTE,
  VIRTUAL_HOST,
} from "./table";

const NAMES: u32 = (1 << ROUTE) | (1 << MARK);
const HOSTS: u32 = (1 << HOST) | (1 << HOST_SUFFIX) | (1 << HOST_PREFIX);

/** Envoy's name of the route, once read. */
export const routeName: ByteString = changetype<ByteString>(memory.data(8, 4));
/** Envoy's name of the virtual host, once read. */
export const virtualHost: ByteString = changetype<ByteString>(memory.data(8, 4));

let isRouteRead: bool = false;
let isHostRead: bool = false;
let cursors: usize = 0;
let cursorCount: u32 = 0;

/** Whether the policy that nextPolicy has returned was found by host and path alone. */
export let isByHost: bool = false;

/** Reads the route's name, unless this request has done so; empty when the route has none. */
export function readRouteName(): void {
  if (isRouteRead) return;
  isRouteRead = true;
  readProperty(ROUTE_NAME, routeName);
}

/** Identity of the present request's route, never 0. Reads the names where the route has no number. */
export function readRouteId(): u64 {
  const given = routeNumber();
  if (given !== 0) return given;
  readVirtualHost();
  readRouteName();
  return routeIdOf(virtualHost.start, virtualHost.length, routeName.start, routeName.length);
}

/** A new request: the names that were read of the last one are forgotten. */
export function forgetNames(): void {
  isRouteRead = false;
  isHostRead = false;
  forgetRouteNumber();
}

/** Starts the look-up for the request in view. False: its host does not fit the arena. */
export function beginPolicies(table: AttachTable): bool {
  forgetNames();
  return findPolicies(table);
}

/** As beginPolicies, in a further table: names that this request has read are not read again. */
export function findPolicies(table: AttachTable): bool {
  cursors = table.cursors;
  cursorCount = 0;
  const kinds = table.kinds;
  addCursor(find(table, EVERY, 0, 0, 0, 0));
  // Entries by a route's name alone need the name; where there are none, the route's number is one call less.
  if ((kinds & NAMES) === 1 << MARK && routeNumber() !== 0) addCursor(findById(table, routeNumber()));
  else if (kinds & NAMES) {
    readRouteName();
    addCursor(find(table, ROUTE, 0, 0, routeName.start, routeName.length));
    if (find(table, MARK, 0, 0, routeName.start, routeName.length) !== null) {
      readVirtualHost();
      addCursor(
        findById(table, routeIdOf(virtualHost.start, virtualHost.length, routeName.start, routeName.length)),
      );
    }
  }
  if (kinds & (1 << VIRTUAL_HOST)) {
    readVirtualHost();
    addCursor(find(table, VIRTUAL_HOST, virtualHost.start, virtualHost.length, 0, 0));
  }
  return (kinds & HOSTS) === 0 || (needRequestHeaders() && addHosts(table));
}

/** Reads the virtual host's name, unless this request has done so; empty when no virtual host was found. */
export function readVirtualHost(): void {
  if (isHostRead) return;
  isHostRead = true;
  readProperty(VIRTUAL_HOST_NAME, virtualHost);
}

function addCursor(node: Attached | null): void {
  if (node === null) return;
  store<usize>(cursors + (cursorCount << 2), changetype<usize>(node));
  cursorCount += 1;
}

/** Cursors of the request's host, in lower case, with its port and without. */
function addHosts(table: AttachTable): bool {
  const length = authority.length;
  const host = scratch(length + 1);
  if (host === 0) return false;
  let colon = length;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(authority.start + i);
    store<u8>(host + i, lower(byte));
    // The last colon begins the port, unless a bracket of an IPv6 address follows it.
    if (byte === 58) colon = i;
    else if (byte === 93) colon = length;
  }
  addHost(table, host, length, 0);
  if (colon < length) addHost(table, host, colon, 1);
  return true;
}

/** `least`: 1 leaves out what the host with its port has found already. */
function addHost(table: AttachTable, host: usize, length: u32, least: u32): void {
  addCursor(find(table, HOST, host, length, 0, 0));
  for (let i: u32 = 0; i < table.suffixCount; i++) {
    const size = load<u32>(table.suffixLengths + (i << 2));
    // A star stands for at least one byte, except alone.
    if (size < least || (size >= length && size !== 0)) continue;
    addCursor(find(table, HOST_SUFFIX, host + (length - size), size, 0, 0));
  }
  if (least > 0) return;
  for (let i: u32 = 0; i < table.prefixCount; i++) {
    const size = load<u32>(table.prefixLengths + (i << 2));
    if (size < length) addCursor(find(table, HOST_PREFIX, host, size, 0, 0));
  }
}

/** False: no policy applies, and nothing else need be read or asked. */
// @ts-ignore: decorator
@inline
export function mayApply(): bool {
  return cursorCount > 0;
}

/** The index of the next policy that applies; -1: there is none left. */
export function nextPolicy(): i32 {
  let policy = leastPolicy();
  while (policy >= 0 && !takePolicy(policy)) policy = leastPolicy();
  return policy;
}

/** The least policy that a cursor is at; -1: all are at their end. */
function leastPolicy(): i32 {
  let least: i32 = -1;
  for (let i: u32 = 0; i < cursorCount; i++) {
    const node = cursorAt(i);
    if (node !== null && <u32>least > node.policy) least = node.policy;
  }
  return least;
}

/** Moves the cursors past a policy; whether one of its attachments holds. */
function takePolicy(policy: u32): bool {
  let applies = false;
  isByHost = true;
  for (let i: u32 = 0; i < cursorCount; i++) {
    let node = cursorAt(i);
    while (node !== null && node.policy === policy) {
      const path = node.path;
      if (path === null || (uri.start !== 0 && textMatches(path, uri.start, uri.length))) {
        applies = true;
        if (node.kind < HOST) isByHost = false;
      }
      node = node.next;
    }
    store<usize>(cursors + (i << 2), changetype<usize>(node));
  }
  return applies;
}

// @ts-ignore: decorator
@inline
function cursorAt(i: u32): Attached | null {
  return changetype<Attached | null>(load<usize>(cursors + (i << 2)));
}
