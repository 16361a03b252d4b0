// Properties and filter state, in Envoy's encodings.

import { Status } from "../abi.ts";
import { HeaderMap } from "../header-map.ts";
import { type Pair, pairsSize, writePairs } from "../pairs.ts";
import { property } from "../properties.ts";
import { type PropertyValue, UnsupportedByHost } from "../types.ts";
import type { Vm } from "../vm.ts";

export const properties = {
  /** The path's parts are separated by a 0 byte. Status 1: there is no such value. */
  proxy_get_property(vm: Vm, pathAt: number, pathSize: number, pointerAt: number, sizeAt: number): number {
    const path = vm.readText(pathAt, pathSize);
    if (path === undefined) return Status.invalidMemoryAccess;
    const parts = path.split("\0");
    if (parts.at(-1) === "") parts.pop();
    if (parts.length === 0) return Status.serializationFailure;
    const value = property(vm, parts);
    if (value === undefined) return Status.notFound;
    return vm.returnText(encode(value, parts), pointerAt, sizeAt);
  },

  /** Writes filter state `wasm.PATH`, which lasts as long as the stream. */
  proxy_set_property(vm: Vm, pathAt: number, pathSize: number, valueAt: number, valueSize: number): number {
    const path = vm.readText(pathAt, pathSize);
    const value = vm.readText(valueAt, valueSize);
    if (path === undefined || value === undefined) return Status.invalidMemoryAccess;
    const context = vm.acting();
    if (context.kind !== "stream") return Status.notFound;
    context.filterState.set(path, value);
    return Status.ok;
  },
};

function encode(value: PropertyValue, path: readonly string[]): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (typeof value === "boolean") return value ? "\x01" : "\x00";
  if (value instanceof HeaderMap) return encodePairs(value.pairs());
  if (Array.isArray(value))
    return encodePairs(value.map((one: PropertyValue): Pair => [encode(one, path), ""]));
  const bytes = Buffer.alloc(8);
  if (typeof value === "number") bytes.writeDoubleLE(value);
  else if (typeof value === "bigint") bytes.writeBigInt64LE(BigInt.asIntN(64, value));
  else {
    throw new UnsupportedByHost(
      `property ${path.join(".")} is a whole message, which Envoy would write as protobuf: read one of its fields`,
    );
  }
  return bytes.toString("latin1");
}

function encodePairs(pairs: readonly Pair[]): string {
  const bytes = Buffer.alloc(pairsSize(pairs));
  writePairs(bytes, 0, pairs);
  return bytes.toString("latin1");
}
