// Reads Envoy's API out of an Envoy binary: the C++ protobuf runtime keeps every .proto file's serialized
// FileDescriptorProto in the executable as plain data, so the types made from it are those of that very Envoy.
//
// There is no table of where they stand. A descriptor is found by its first field, the file's name:
//
//   0A LEN "envoy/config/cluster/v3/cluster.proto"   name, field 1
//   12 LEN "envoy.config.cluster.v3"                 package, field 2
//   1A LEN "envoy/config/core/v3/base.proto"         dependency, field 3, repeated
//   22 LEN ...                                       messages, enums, services, options, ...
//   62 06 "proto3"                                   syntax, field 12, the last one
//
// The runtime writes fields in ascending order, so the descriptor ends before the first tag that is not one
// of its fields or goes back. Some files occur twice, once stripped of their options: the longer one is taken.

import { fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

const suffix = Buffer.from(".proto");
const longestName = 250;
const namePattern = /^[A-Za-z0-9_./-]+\.proto$/;

const nameField = 1;
const tagOfName = 0x0a;
const varintFields = new Set([10, 11, 14]); // public and weak dependencies, edition
const lengthFields = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 12]);
const onceOnly = new Set([1, 2, 8, 9, 12, 14]);

/** All files by name; each is complete: every file that one depends on is there too. */
export function readDescriptors(binary: Buffer): Map<string, FileDescriptorProto> {
  const found = new Map<string, Buffer>();
  for (let at = binary.indexOf(suffix); at >= 0; at = binary.indexOf(suffix, at + 1)) {
    const candidate = descriptorNamedAt(binary, at + suffix.length);
    if (candidate === undefined) continue;
    const known = found.get(candidate.name);
    if (known === undefined || known.length < candidate.bytes.length)
      found.set(candidate.name, candidate.bytes);
  }
  const files = new Map<string, FileDescriptorProto>();
  for (const [name, bytes] of found) {
    const file = decode(bytes);
    if (file !== undefined) files.set(name, file);
  }
  requireDependencies(files);
  return files;
}

/** The files reached from `roots`, each after those it depends on, as a code generator wants them. */
export function closure(
  files: ReadonlyMap<string, FileDescriptorProto>,
  roots: Iterable<string>,
): FileDescriptorProto[] {
  const ordered = new Map<string, FileDescriptorProto>();
  const visit = (name: string): void => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`no descriptor of ${name} in this Envoy`);
    if (ordered.has(name)) return;
    for (const dependency of file.dependency) visit(dependency);
    ordered.set(name, file);
  };
  for (const root of roots) visit(root);
  return [...ordered.values()];
}

function descriptorNamedAt(binary: Buffer, end: number): { name: string; bytes: Buffer } | undefined {
  for (let length = suffix.length + 1; length <= longestName; length++) {
    const prefix = length < 128 ? 2 : 3;
    const start = end - length - prefix;
    if (start < 0) return undefined;
    if (binary[start] !== tagOfName) continue;
    const announced = readVarint(binary, start + 1);
    if (announced?.value !== length || announced.next !== end - length) continue;
    const name = binary.toString("latin1", end - length, end);
    if (!namePattern.test(name)) continue;
    return { name, bytes: binary.subarray(start, endOfDescriptor(binary, start)) };
  }
  return undefined;
}

function endOfDescriptor(binary: Buffer, start: number): number {
  let at = start;
  let previous = 0;
  for (;;) {
    const tag = readVarint(binary, at);
    if (tag === undefined) return at;
    const field = tag.value >>> 3;
    const wireType = tag.value & 7;
    if (field < previous || (field === previous && onceOnly.has(field))) return at;
    const operand = readVarint(binary, tag.next);
    if (operand === undefined) return at;
    if (wireType === 0 && varintFields.has(field)) at = operand.next;
    else if (wireType === 2 && lengthFields.has(field) && operand.next + operand.value <= binary.length) {
      at = operand.next + operand.value;
    } else return at;
    previous = Math.max(field, nameField);
  }
}

/** At most 32 bits, as lengths and tags are; undefined past the end or when longer. */
function readVarint(binary: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let shift = 0, next = at; shift < 35; shift += 7) {
    const byte = binary[next++];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next };
  }
  return undefined;
}

function decode(bytes: Buffer): FileDescriptorProto | undefined {
  try {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    return file.messageType.length + file.enumType.length + file.extension.length + file.dependency.length > 0
      ? file
      : undefined;
  } catch {
    return undefined; // bytes that only looked like a descriptor
  }
}

function requireDependencies(files: ReadonlyMap<string, FileDescriptorProto>): void {
  const missing = new Set<string>();
  for (const file of files.values()) {
    for (const dependency of file.dependency) if (!files.has(dependency)) missing.add(dependency);
  }
  if (files.size === 0) throw new Error("no protobuf descriptors found: is this an Envoy binary?");
  if (missing.size > 0) {
    throw new Error(`this binary lacks the descriptors of ${[...missing].sort().join(", ")}`);
  }
}
