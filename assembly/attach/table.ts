// Which policies apply to a request: those attached to its virtual host, its route, both, its host, or everything,
// in the order of the configuration. The cost does not depend on how many are attached elsewhere.
//
// Nodes of one key form a list in ascending order of policies; a bucket of the hash table chains the first nodes
// of its keys. A request collects one cursor per key that it has, and they are merged.

import { equals, lower } from "../bytes";
import { allocate } from "../config/blocks";
import { itemAt } from "../config/records";
import { Attachment, AttachmentHas, StringMatch } from "../generated/records";
import { stableHash } from "../hash";
import { compileText } from "../match/compile";
import { routeIdOf } from "./id";

/** Kinds of keys. MARK says that the route's name occurs together with some virtual host; BOTH is by the route's id. */
export const EVERY: u32 = 0;
export const VIRTUAL_HOST: u32 = 1;
export const ROUTE: u32 = 2;
export const BOTH: u32 = 3;
export const MARK: u32 = 4;
export const HOST: u32 = 5;
export const HOST_SUFFIX: u32 = 6;
export const HOST_PREFIX: u32 = 7;

/** A policy under a key. */
@unmanaged
export class Attached {
  /** The first node of the next key in the bucket. */
  nextKey: Attached | null;
  /** The next policy under the same key. */
  next: Attached | null;
  kind: u32;
  policy: u32;
  hash: u64;
  /** The virtual host or host. */
  hostStart: usize;
  hostLength: u32;
  routeStart: usize;
  routeLength: u32;
  path: StringMatch | null;
  unused: u32;
}


@unmanaged
export class AttachTable {
  buckets: usize;
  mask: u32;
  /** Bit per kind that occurs. */
  kinds: u32;
  /** Distinct lengths of suffixes and prefixes of hosts, u32 each. */
  suffixLengths: usize;
  suffixCount: u32;
  prefixLengths: usize;
  prefixCount: u32;
  /** Room for the cursors of one request. */
  cursors: usize;
}

/** Configure only. A table for `count` attachments in all; add must follow from the last policy to the first. */
export function newAttachTable(count: u32): AttachTable {
  const table = changetype<AttachTable>(allocate(offsetof<AttachTable>()));
  let buckets: u32 = 16;
  while (buckets < count << 2) buckets <<= 1;
  table.mask = buckets - 1;
  table.buckets = allocate((<usize>buckets) << 2);
  // Hosts have at most 512 bytes: so many lengths there are at most.
  table.suffixLengths = allocate(MAX_LENGTHS << 2);
  table.prefixLengths = allocate(MAX_LENGTHS << 2);
  return table;
}

const MAX_LENGTHS: usize = 513;

/** Configure only. Attaches a policy as its `count` attachments say; none: to everything. */
export function addPolicy(table: AttachTable, policy: u32, start: usize, count: u32, isGiven: bool): void {
  if (!isGiven) add(table, EVERY, policy, 0, 0, 0, 0, null);
  for (let i: u32 = 0; i < count; i++) addAttachment(table, policy, itemAt<Attachment>(start, i));
}

/** Configure only. Makes room for cursors, once all is added. */
export function finishTable(table: AttachTable): void {
  const most = 8 + 2 * (table.suffixCount + table.prefixCount);
  table.cursors = allocate((<usize>most) << 2);
}

function addAttachment(table: AttachTable, policy: u32, given: Attachment): void {
  const has = given.present;
  const hasHost = (has & AttachmentHas.virtualHost_) !== 0;
  const hasRoute = (has & AttachmentHas.route_) !== 0;
  const hostStart = given.virtualHostStart;
  const hostLength = given.virtualHostLength;
  if (hasHost && hasRoute) {
    if (find(table, MARK, 0, 0, given.routeStart, given.routeLength) === null)
      add(table, MARK, policy, 0, 0, given.routeStart, given.routeLength, null);
    const id = allocate(8);
    store<u64>(id, routeIdOf(hostStart, hostLength, given.routeStart, given.routeLength));
    add(table, BOTH, policy, 0, 0, id, 8, null);
  } else if (hasRoute) add(table, ROUTE, policy, 0, 0, given.routeStart, given.routeLength, null);
  else if (hasHost) add(table, VIRTUAL_HOST, policy, hostStart, hostLength, 0, 0, null);
  else addHost(table, policy, given);
}

function addHost(table: AttachTable, policy: u32, given: Attachment): void {
  compileText(given.path);
  let start = given.hostStart;
  let length = given.hostLength;
  for (let i: u32 = 0; i < length; i++) store<u8>(start + i, lower(load<u8>(start + i)));
  let kind = HOST;
  if (length === 0 || (length === 1 && load<u8>(start) === 42)) {
    // Any host, or a path alone.
    add(table, HOST_SUFFIX, policy, start, 0, 0, 0, given.path);
    table.suffixCount = addLength(table.suffixLengths, table.suffixCount, 0);
    return;
  }
  if (load<u8>(start) === 42) {
    kind = HOST_SUFFIX;
    start += 1;
    length -= 1;
    table.suffixCount = addLength(table.suffixLengths, table.suffixCount, length);
  } else if (load<u8>(start + length - 1) === 42) {
    kind = HOST_PREFIX;
    length -= 1;
    table.prefixCount = addLength(table.prefixLengths, table.prefixCount, length);
  }
  add(table, kind, policy, start, length, 0, 0, given.path);
}

function addLength(lengths: usize, count: u32, length: u32): u32 {
  for (let i: u32 = 0; i < count; i++) if (load<u32>(lengths + (i << 2)) === length) return count;
  store<u32>(lengths + (count << 2), length);
  return count + 1;
}

function add(
  table: AttachTable,
  kind: u32,
  policy: u32,
  hostStart: usize,
  hostLength: u32,
  routeStart: usize,
  routeLength: u32,
  path: StringMatch | null,
): void {
  const node = changetype<Attached>(allocate(offsetof<Attached>()));
  node.kind = kind;
  node.policy = policy;
  node.hostStart = hostStart;
  node.hostLength = hostLength;
  node.routeStart = routeStart;
  node.routeLength = routeLength;
  node.path = path;
  node.hash = hashOf(kind, hostStart, hostLength, routeStart, routeLength);
  table.kinds |= 1 << kind;
  // The new node takes the place of its key's first one, which becomes the second.
  let link = table.buckets + (((<usize>node.hash) & table.mask) << 2);
  let other = load<usize>(link);
  while (other !== 0) {
    const first = changetype<Attached>(other);
    if (isKey(first, kind, hostStart, hostLength, routeStart, routeLength)) {
      node.next = first;
      node.nextKey = first.nextKey;
      first.nextKey = null;
      break;
    }
    link = other + offsetof<Attached>("nextKey");
    other = load<usize>(link);
  }
  store<usize>(link, changetype<usize>(node));
}

function hashOf(kind: u32, host: usize, hostLength: u32, route: usize, routeLength: u32): u64 {
  return stableHash(route, routeLength, stableHash(host, hostLength, kind));
}

function isKey(
  node: Attached,
  kind: u32,
  host: usize,
  hostLength: u32,
  route: usize,
  routeLength: u32,
): bool {
  return (
    node.kind === kind &&
    equals(node.routeStart, node.routeLength, route, routeLength) &&
    equals(node.hostStart, node.hostLength, host, hostLength)
  );
}

/** The first policy under a key. */
export function find(
  table: AttachTable,
  kind: u32,
  host: usize,
  hostLength: u32,
  route: usize,
  routeLength: u32,
): Attached | null {
  if ((table.kinds & (1 << kind)) === 0) return null;
  const hash = hashOf(kind, host, hostLength, route, routeLength);
  let node = changetype<Attached | null>(load<usize>(table.buckets + (((<usize>hash) & table.mask) << 2)));
  while (node !== null) {
    if (node.hash === hash && isKey(node, kind, host, hostLength, route, routeLength)) return node;
    node = node.nextKey;
  }
  return null;
}

const wanted: usize = memory.data(8, 8);

/** The first policy that is attached to the route of this id (id.ts) with its virtual host. */
export function findById(table: AttachTable, id: u64): Attached | null {
  store<u64>(wanted, id);
  return find(table, BOTH, 0, 0, wanted, 8);
}
