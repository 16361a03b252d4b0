// The value of a dimension for the stream that has ended: read where it is, and held against the dimension's list.

import { OK, proxy_get_header_map_value, RESPONSE_HEADERS } from "../../assembly/abi/hostcalls";
import { literal } from "../../assembly/bytes";
import { cookieValue, findCookie } from "../../assembly/request/cookies";
import { findParam, queryValue } from "../../assembly/request/query";
import { firstHeader, method, path, readRequestHeaders } from "../../assembly/request/view";
import { ByteString } from "../../assembly/set";
import { BAD_VALUE, countFailure, HEADERS_TOO_LARGE } from "./failures";
import { Dimension } from "./generated/config";
import { addNone, addOther, addValue } from "./labels";
import {
  COOKIE,
  DimensionPlan,
  GRPC_STATUS,
  HEADER,
  METHOD,
  PATH,
  QUERY_PARAM,
  RESPONSE_FLAGS,
  RESPONSE_HEADER,
} from "./plan";
import { grpcStatusName, responseFlags } from "./outcome";
import { templateOf } from "./template";
import { isLabelText } from "./text";
import { keepValue, MAX_VALUE, valueFailure, valueHash } from "./values";

const ORIGINAL_PATH: ByteString = literal("x-envoy-original-path");

const UNREAD: u32 = 0;
const READ: u32 = 1;
const TOO_LARGE: u32 = 2;
let headers: u32 = UNREAD;

/** What was read; its address is 0 where there is nothing. */
const text: ByteString = changetype<ByteString>(memory.data(8, 4));

/** A new stream: its headers are not read yet. */
// @ts-ignore: decorator
@inline
export function beginDimensions(): void {
  headers = UNREAD;
}

/** Reads the request's headers, once. False: they do not fit the arena. */
export function readHeaders(): bool {
  if (headers === UNREAD) headers = readRequestHeaders() ? READ : TOO_LARGE;
  return headers === READ;
}

/** Adds the dimension with its value. False: there is no room for it. */
export function addDimension(dimension: DimensionPlan): bool {
  if (dimension.source <= GRPC_STATUS && !readHeaders()) {
    countFailure(HEADERS_TOO_LARGE);
    return addOther(dimension);
  }
  text.start = 0;
  text.length = 0;
  readValue(dimension.source, dimension.declared);
  const start = text.start;
  const length = text.length;
  if (start === 0) return addNone(dimension);
  if (length > MAX_VALUE || !isLabelText(start, length)) {
    countFailure(BAD_VALUE);
    return addOther(dimension);
  }
  if (keepValue(dimension.values, start, length)) return addValue(dimension, start, length, valueHash);
  countFailure(valueFailure);
  return addOther(dimension);
}

function readValue(source: u32, declared: Dimension): void {
  switch (source) {
    case HEADER: {
      const header = firstHeader(declared.headerStart, declared.headerLength);
      if (header.nameLength > 0) setText(header.value, header.valueLength);
      return;
    }
    case QUERY_PARAM: {
      readPath();
      if (findParam(query, end, declared.queryParamStart, declared.queryParamLength))
        setText(queryValue.start, queryValue.length);
      return;
    }
    case COOKIE: {
      if (findCookie(declared.cookieStart, declared.cookieLength))
        setText(cookieValue.start, cookieValue.length);
      return;
    }
    case PATH: {
      readPath();
      const templates = declared.path;
      if (start !== 0 && templates !== null) templateOf(templates, start, uriEnd, text);
      return;
    }
    case METHOD:
      return setText(method.start, method.length);
    case GRPC_STATUS:
      return grpcStatusName(text);
    case RESPONSE_HEADER:
      return readResponseHeader(declared.responseHeaderStart, declared.responseHeaderLength);
    case RESPONSE_FLAGS:
      return responseFlags(text);
  }
}

function setText(start: usize, length: u32): void {
  text.start = start;
  text.length = length;
}

let start: usize = 0;
let uriEnd: usize = 0;
let query: usize = 0;
let end: usize = 0;

/** The path as the client sent it: a route that rewrites it keeps the old one in a header. */
function readPath(): void {
  const original = firstHeader(ORIGINAL_PATH.start, ORIGINAL_PATH.length);
  const isRewritten = original.nameLength > 0;
  start = isRewritten ? original.value : path.start;
  end = start + (isRewritten ? original.valueLength : path.length);
  uriEnd = start;
  while (uriEnd < end && load<u8>(uriEnd) !== 63 && load<u8>(uriEnd) !== 35) uriEnd += 1;
  query = uriEnd < end && load<u8>(uriEnd) === 63 ? uriEnd + 1 : end;
}

const result: usize = memory.data(8, 4);

function readResponseHeader(name: usize, length: u32): void {
  store<u64>(result, 0);
  if (proxy_get_header_map_value(RESPONSE_HEADERS, name, length, result, result + 4) !== OK) return;
  // An empty value comes as nothing at all.
  setText(load<u32>(result, 4) === 0 ? result : load<usize>(result), load<u32>(result, 4));
}
