// Header maps. Which map is there depends on the moment: a direction that has gone on shows its map no more,
// and during on_log the maps are those of the access log, for reading alone.

import { HeaderMapType, Status } from "../abi.ts";
import { rootOf, type StreamContext } from "../context.ts";
import { HeaderMap } from "../header-map.ts";
import { pairsSize, readPairs, writePairs } from "../pairs.ts";
import type { Vm } from "../vm.ts";

const lastType = HeaderMapType.httpCallResponseTrailers;

export const headers = {
  proxy_get_header_map_value(
    vm: Vm,
    type: number,
    nameAt: number,
    nameSize: number,
    pointerAt: number,
    sizeAt: number,
  ): number {
    if (type > lastType) return Status.badArgument;
    const name = vm.readText(nameAt, nameSize);
    if (name === undefined) return Status.invalidMemoryAccess;
    const map = readable(vm, type);
    if (map === undefined) return isLogging(vm) ? Status.notFound : Status.badArgument;
    const value = map.get(name);
    return value === undefined ? Status.notFound : vm.returnText(value, pointerAt, sizeAt);
  },

  /** A map that is not there reads as an empty list, status 0. */
  proxy_get_header_map_pairs(vm: Vm, type: number, pointerAt: number, sizeAt: number): number {
    if (type > lastType) return Status.badArgument;
    const pairs = readable(vm, type)?.pairs() ?? [];
    if (pairs.length === 0) return vm.returnText("", pointerAt, sizeAt);
    const size = pairsSize(pairs);
    const at = vm.allocate(size);
    if (at === 0) return Status.invalidMemoryAccess;
    writePairs(vm.memory, at, pairs);
    return vm.writeU32(pointerAt, at) && vm.writeU32(sizeAt, size) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_get_header_map_size(vm: Vm, type: number, at: number): number {
    if (type > lastType) return Status.badArgument;
    const map = writable(vm, type);
    if (map === undefined) return Status.badArgument;
    return vm.writeU32(at, map.byteSize) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_set_header_map_pairs(vm: Vm, type: number, at: number, size: number): number {
    if (type > lastType) return Status.badArgument;
    if (at + size > vm.memoryBytes) return Status.invalidMemoryAccess;
    const pairs = readPairs(vm.memory.subarray(at, at + size));
    return change(vm, type, (map) => map.setAll(pairs));
  },

  proxy_add_header_map_value(
    vm: Vm,
    type: number,
    nameAt: number,
    nameSize: number,
    at: number,
    size: number,
  ): number {
    if (type > lastType) return Status.badArgument;
    const name = vm.readText(nameAt, nameSize);
    const value = vm.readText(at, size);
    if (name === undefined || value === undefined) return Status.invalidMemoryAccess;
    return change(vm, type, (map) => map.add(name, value));
  },

  proxy_replace_header_map_value(
    vm: Vm,
    type: number,
    nameAt: number,
    nameSize: number,
    at: number,
    size: number,
  ): number {
    if (type > lastType) return Status.badArgument;
    const name = vm.readText(nameAt, nameSize);
    const value = vm.readText(at, size);
    if (name === undefined || value === undefined) return Status.invalidMemoryAccess;
    return change(vm, type, (map) => map.replace(name, value));
  },

  proxy_remove_header_map_value(vm: Vm, type: number, nameAt: number, nameSize: number): number {
    if (type > lastType) return Status.badArgument;
    const name = vm.readText(nameAt, nameSize);
    if (name === undefined) return Status.invalidMemoryAccess;
    return change(vm, type, (map) => map.remove(name));
  },
};

/** Any change of a request header clears the route cache, also one that changes nothing. */
function change(vm: Vm, type: number, edit: (map: HeaderMap) => void): number {
  const map = writable(vm, type);
  if (map === undefined) return Status.badArgument;
  edit(map);
  const context = vm.acting();
  if (type === HeaderMapType.requestHeaders && context.kind === "stream") context.routeCacheCleared = true;
  return Status.ok;
}

function isLogging(vm: Vm): boolean {
  const context = vm.acting();
  return context.kind === "stream" && context.phase === "log";
}

function readable(vm: Vm, type: number): HeaderMap | undefined {
  const context = vm.acting();
  if (type === HeaderMapType.httpCallResponseHeaders) return rootOf(context)?.httpCallResponse?.headers;
  if (type === HeaderMapType.httpCallResponseTrailers) return rootOf(context)?.httpCallResponse?.trailers;
  if (context.kind !== "stream") return undefined;
  if (context.phase !== "log") return ofStream(context, type);
  if (type === HeaderMapType.requestHeaders) return context.logged.request;
  if (type === HeaderMapType.responseHeaders) return context.logged.response;
  return type === HeaderMapType.responseTrailers ? context.logged.responseTrailers : undefined;
}

/** Asking for trailers to write during the last piece of a body makes them. */
function writable(vm: Vm, type: number): HeaderMap | undefined {
  const context = vm.acting();
  if (context.kind !== "stream") return undefined;
  if (context.endOfStream) {
    if (type === HeaderMapType.requestTrailers && context.requestBody !== undefined) {
      context.requestTrailers ??= new HeaderMap("trailers");
    }
    if (type === HeaderMapType.responseTrailers && context.responseBody !== undefined) {
      context.responseTrailers ??= new HeaderMap("trailers");
    }
  }
  return ofStream(context, type);
}

function ofStream(context: StreamContext, type: number): HeaderMap | undefined {
  switch (type) {
    case HeaderMapType.requestHeaders:
      return context.requestHeaders;
    case HeaderMapType.requestTrailers:
      return context.requestTrailers;
    case HeaderMapType.responseHeaders:
      return context.responseHeaders;
    case HeaderMapType.responseTrailers:
      return context.responseTrailers;
    default:
      return undefined;
  }
}
