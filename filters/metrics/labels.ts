// The labels of the stream that has ended: as texts, for the name of a metric that is not defined yet, and as a hash
// of 128 bits, by which a metric that is defined is found without building its name.

import { scratch } from "../../assembly/abi/arena";
import { readRouteName, readVirtualHost, routeName, virtualHost } from "../../assembly/attach/lookup";
import { literal, writeBytes } from "../../assembly/bytes";
import { avalanche, stableHash } from "../../assembly/hash";
import { isIstio, label, labelNamed } from "../../assembly/metrics";
import { ByteString } from "../../assembly/set";
import { DimensionPlan, PATH } from "./plan";

/** Dimensions of one request, of all its policies together. */
export const MAX_DIMENSIONS: u32 = 16;

/** What stands for a value that is not there. */
export const NONE: ByteString = literal("-");
/** What stands for values beyond a bound. */
export const OTHER: ByteString = literal("_other");

const NONE_HASH: u64 = stableHash(NONE.start, NONE.length, 0);
const OTHER_HASH: u64 = stableHash(OTHER.start, OTHER.length, 0);

/** A dimension and its value for this stream. */
@unmanaged
class Value {
  dimension: DimensionPlan;
  start: usize;
  length: u32;
  unused: u32;
  hash: u64;
}

const values: usize = memory.data(384, 8);
let count: u32 = 0;

/** The hash after the labels added so far. */
export let low: u64 = 0;
export let high: u64 = 0;

let areNamesRead: bool = false;
/** Once needed. */
export const virtualHostLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
export const routeLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
/** `200`; 0: no response; `_other`: outside 100 to 599. */
export const codeLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
/** `2xx`; 0: no response; `_other`. */
export const classLabel: ByteString = changetype<ByteString>(memory.data(8, 4));
/** The response's code as labels tell it apart: 0 to 600, and its class: 0 to 6. */
export let code: u32 = 0;
export let codeClass: u32 = 0;

const codeText: usize = memory.data(3);
const classText: usize = memory.data<u8>([0, 120, 120]);
const ZERO: ByteString = literal("0");
const CODE_OTHER: u32 = 600;

/** Begins the labels of a stream. */
export function beginLabels(route: u64, status: i64): void {
  areNamesRead = false;
  setCode(status);
  count = 0;
  low = route;
  high = 0;
  // A name that is written otherwise is another metric.
  mix(isIstio ? 1 : 2);
}

/** Reads the names of virtual host and route, which only a label set that is new needs. Empty ones are `-`. */
export function needNames(): void {
  if (areNamesRead) return;
  areNamesRead = true;
  readVirtualHost();
  readRouteName();
  copy(virtualHostLabel, virtualHost.length === 0 ? NONE : virtualHost);
  copy(routeLabel, routeName.length === 0 ? NONE : routeName);
}

export function copy(to: ByteString, from: ByteString): void {
  to.start = from.start;
  to.length = from.length;
}

/** `status`: below 0 when there was no response. */
function setCode(status: i64): void {
  if (status < 100 || status > 599) {
    const none = status <= 0;
    code = none ? 0 : CODE_OTHER;
    codeClass = none ? 0 : 6;
    copy(codeLabel, none ? ZERO : OTHER);
    copy(classLabel, codeLabel);
    return;
  }
  code = <u32>status;
  codeClass = code / 100;
  store<u8>(codeText, 48 + codeClass);
  store<u8>(codeText, 48 + ((code / 10) % 10), 1);
  store<u8>(codeText, 48 + (code % 10), 2);
  store<u8>(classText, 48 + codeClass);
  codeLabel.start = codeText;
  codeLabel.length = 3;
  classLabel.start = classText;
  classLabel.length = 3;
}

/** Adds to the hash. */
export function mix(part: u64): void {
  low = avalanche((low ^ part) + 0x9e3779b97f4a7c15);
  high = avalanche((high + part) ^ rotl<u64>(low, 32));
}

/** Puts the hash back to what it was. */
export function resetHash(toLow: u64, toHigh: u64): void {
  low = toLow;
  high = toHigh;
}

/** Whether a dimension of this name has a value already. */
export function hasDimension(dimension: DimensionPlan): bool {
  for (let i: u32 = 0; i < count; i++) if (valueAt(i).dimension.nameHash === dimension.nameHash) return true;
  return false;
}

/** Adds the value of a dimension. False: there is no room for it. */
export function addValue(dimension: DimensionPlan, start: usize, length: u32, hash: u64): bool {
  if (count === MAX_DIMENSIONS) return false;
  const value = valueAt(count);
  count += 1;
  value.dimension = dimension;
  value.start = start;
  value.length = length;
  value.hash = hash;
  mix(dimension.nameHash);
  mix(hash);
  return true;
}

/** Adds the dimensions to a hash that was begun anew. */
export function mixDimensions(): void {
  for (let i: u32 = 0; i < count; i++) {
    const value = valueAt(i);
    mix(value.dimension.nameHash);
    mix(value.hash);
  }
}

/** Adds `-` as the value of a dimension. */
export function addNone(dimension: DimensionPlan): bool {
  return addValue(dimension, NONE.start, NONE.length, NONE_HASH);
}

/** Adds `_other` as the value of a dimension. */
export function addOther(dimension: DimensionPlan): bool {
  return addValue(dimension, OTHER.start, OTHER.length, OTHER_HASH);
}

/** All labels but the response's class become `_other`. */
export function forgetLabels(): void {
  areNamesRead = true;
  copy(virtualHostLabel, OTHER);
  copy(routeLabel, OTHER);
  copy(codeLabel, classLabel);
  low = OTHER_HASH;
  high = OTHER_HASH;
  for (let i: u32 = 0; i < count; i++) {
    const value = valueAt(i);
    value.start = OTHER.start;
    value.length = OTHER.length;
    mix(value.dimension.nameHash);
  }
}

/** Leaves the dimensions out. */
export function forgetDimensions(): void {
  count = 0;
  low = OTHER_HASH;
  high = OTHER_HASH;
}

// @ts-ignore: decorator
@inline
function valueAt(i: u32): Value {
  return changetype<Value>(values + i * offsetof<Value>());
}

/** The value of the first dimension that is a path; false: there is none. */
export function pathValue(to: ByteString): bool {
  for (let i: u32 = 0; i < count; i++) {
    const value = valueAt(i);
    if (value.dimension.source !== PATH) continue;
    to.start = value.start;
    to.length = value.length;
    return true;
  }
  return false;
}

/** Writes the dimensions into the name of the metric that has been begun, less those that have a label's name there. */
export function labelDimensions(names: u32): void {
  let unknown: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const value = valueAt(i);
    const dimension = value.dimension;
    if (dimension.reserved & names) continue;
    if (dimension.isUnknown) unknown += 2 + dimension.nameLength + value.length;
    else labelNamed(dimension.nameStart, dimension.nameLength, value.start, value.length);
  }
  if (unknown > 0) labelUnknown(unknown);
}

/** Those for which Envoy has no rule, as one label: NAME=VALUE,NAME=VALUE. */
function labelUnknown(size: u32): void {
  const start = scratch(size);
  if (start === 0) return;
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const value = valueAt(i);
    const dimension = value.dimension;
    if (!dimension.isUnknown) continue;
    if (at > start) {
      store<u8>(at, 44);
      at += 1;
    }
    at = writeBytes(at, dimension.nameStart, dimension.nameLength);
    store<u8>(at, 61);
    at = writeBytes(at + 1, value.start, value.length);
  }
  label("dimensions", start, <u32>(at - start));
}

/** Names of hosts and routes are cut here, so that they leave room for all dimensions in the name of a metric. */
const MAX_NAME: u32 = 256;

/** Writes virtual host and route into the name of the metric that has been begun. */
export function labelRoute(): void {
  needNames();
  label("virtual_host", virtualHostLabel.start, min(virtualHostLabel.length, MAX_NAME));
  label("route", routeLabel.start, min(routeLabel.length, MAX_NAME));
}
