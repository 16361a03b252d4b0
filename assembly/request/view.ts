// The request's headers: fetched at most once, with one hostcall, when something of them is needed; scanned in place,
// valid until the callback returns. Where nothing is needed of them, that is a quarter to a half of what a filter costs.
//
// The host's form of pairs, and the index that is built after it in the arena:
//   count u32 | per pair: name's length u32, value's length u32 | per pair: name, 0, value, 0
//   per pair, 16 bytes:  0 name u32 | 4 name's length u32 | 8 value u32 | 12 value's length u32
// Envoy's names are in lower case, and pseudo headers are among the pairs.

import { scratch } from "../abi/arena";
import {
  NOT_FOUND,
  OK,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  REQUEST_HEADERS,
} from "../abi/hostcalls";
import { equalsAscii, findByte, sameBytes } from "../bytes";
import { ByteString } from "../set";

/** A header of the request, in the index. */
@unmanaged
export class Header {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

const result: usize = memory.data(8, 4);
const absent: usize = memory.data(16, 8);

let index: usize = 0;
/** How many headers there are, pseudo headers included. */
export let headerCount: u32 = 0;

/** The pseudo headers; the one with address 0 is absent. */
export const method: ByteString = changetype<ByteString>(memory.data(8, 4));
export const scheme: ByteString = changetype<ByteString>(memory.data(8, 4));
export const authority: ByteString = changetype<ByteString>(memory.data(8, 4));
export const path: ByteString = changetype<ByteString>(memory.data(8, 4));
/** The path before `?` and `#`. */
export const uri: ByteString = changetype<ByteString>(memory.data(8, 4));

const UNREAD: u32 = 0;
const READ: u32 = 1;
const REFUSED: u32 = 2;
let state: u32 = UNREAD;

/** A new request: the view is empty until needRequestHeaders is called. */
export function beginView(): void {
  state = UNREAD;
  clear(method);
  clear(scheme);
  clear(authority);
  clear(path);
  clear(uri);
  headerCount = 0;
}

/** Fetches the headers, unless this request has done so. False: they do not fit the arena, or the host refuses. */
export function needRequestHeaders(): bool {
  if (state === UNREAD) state = fetchHeaders() ? READ : REFUSED;
  return state === READ;
}

/** beginView and needRequestHeaders. */
export function readRequestHeaders(): bool {
  beginView();
  return needRequestHeaders();
}

function fetchHeaders(): bool {
  store<u32>(result, 0, 4);
  if (proxy_get_header_map_pairs(REQUEST_HEADERS, result, result + 4) !== OK) return false;
  // No headers at all, as in a stream that broke before them, come as nothing.
  if (load<u32>(result, 4) < 4) return true;
  return indexPairs(load<usize>(result));
}

function clear(text: ByteString): void {
  text.start = 0;
  text.length = 0;
}

/** Builds the index over pairs in the host's form, which are the view then. False: it does not fit the arena. */
export function indexPairs(pairs: usize): bool {
  state = READ;
  const count = load<u32>(pairs);
  index = scratch((<usize>count) << 4);
  if (index === 0) return false;
  headerCount = count;
  let lengths = pairs + 4;
  let at = lengths + ((<usize>count) << 3);
  for (let i: u32 = 0; i < count; i++) {
    const header = changetype<Header>(index + (i << 4));
    header.name = at;
    header.nameLength = load<u32>(lengths);
    at += header.nameLength + 1;
    header.value = at;
    header.valueLength = load<u32>(lengths, 4);
    at += header.valueLength + 1;
    lengths += 8;
    if (header.nameLength > 4 && load<u8>(header.name) === 58) keepPseudo(header);
  }
  return true;
}

function keepPseudo(header: Header): void {
  const length = header.nameLength;
  if (length === 5) {
    if (!is(header, ":path")) return;
    keep(path, header);
    uri.start = header.value;
    uri.length = <u32>(endOfPath(header.value, header.value + header.valueLength) - header.value);
  } else if (length === 7) {
    if (is(header, ":method")) keep(method, header);
    else if (is(header, ":scheme")) keep(scheme, header);
  } else if (length === 10 && is(header, ":authority")) keep(authority, header);
}

// @ts-ignore: decorator
@inline
function is(header: Header, name: string): bool {
  return equalsAscii(header.name, header.nameLength, name);
}

function keep(text: ByteString, header: Header): void {
  text.start = header.value;
  text.length = header.valueLength;
}

/** As Envoy's router sees a path: what precedes the query and the fragment. */
function endOfPath(start: usize, end: usize): usize {
  while (start < end) {
    const byte = <u32>load<u8>(start);
    if (byte === 63 || byte === 35) break;
    start += 1;
  }
  return start;
}

/**
 * The first header of this name (in lower case) from the `from`-th on, for loops over repeated values:
 * `for (let i = nextHeader(name, length, 0); i < headerCount; i = nextHeader(name, length, i + 1))`
 */
export function nextHeader(name: usize, length: u32, from: u32): u32 {
  for (let i = from; i < headerCount; i++) {
    const header = headerAt(i);
    if (header.nameLength === length && sameBytes(header.name, name, length)) return i;
  }
  return headerCount;
}

/** Whether the request has this header. Where the view is empty yet the host is asked, which costs little if it has not. */
export function hasRequestHeader(name: usize, length: u32): bool {
  if (state !== UNREAD) return nextHeader(name, length, 0) < headerCount;
  return proxy_get_header_map_value(REQUEST_HEADERS, name, length, result, result + 4) !== NOT_FOUND;
}

// @ts-ignore: decorator
@inline
export function headerAt(i: u32): Header {
  return changetype<Header>(index + (i << 4));
}

/** The first header of this name; its address is 0 bytes long and its value at 0 when there is none. */
export function firstHeader(name: usize, length: u32): Header {
  const i = nextHeader(name, length, 0);
  return i < headerCount ? headerAt(i) : changetype<Header>(absent);
}

/** The query, which follows the first `?`; empty when there is none. */
export function queryStart(): usize {
  const end = path.start + path.length;
  const mark = findByte(path.start, end, 63);
  return mark < end ? mark + 1 : end;
}
