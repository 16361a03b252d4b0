// The same bytes as protobuf-es' toBinary, several times as fast: a message type's fields are looked at once and
// kept as a list of writers, where toBinary reflects on every message. What the list has no writer for (groups,
// fixed-width integers, unknown fields, google.protobuf.Struct, values out of range) is left to toBinary.

import {
  type DescField,
  type DescMessage,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { Edition, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { Output } from "./output.ts";

type Fields = Record<string, unknown>;
type WriteField = (message: Fields, output: Output) => void;
type WriteValue = (value: unknown, output: Output) => void;

class NoWriter extends Error {}

const output = new Output();

export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  try {
    writeMessage(schema, message as Fields, output);
    return output.take();
  } catch (error) {
    output.clear();
    if (error instanceof NoWriter) return toBinary(schema, message);
    throw error;
  }
}

const writers = new Map<DescMessage, WriteField[]>();

function writeMessage(schema: DescMessage, message: Fields, to: Output): void {
  let fields = writers.get(schema);
  if (fields === undefined) {
    fields = isProto3(schema) ? sorted(schema.fields).map(fieldWriter) : [unwritable];
    writers.set(schema, fields);
  }
  for (const write of fields) write(message, to);
  if (message.$unknown !== undefined) throw new NoWriter();
}

/** Before it, presence shows in the prototype chain. */
const isProto3 = ({ file }: DescMessage): boolean => file.edition === Edition.EDITION_PROTO3;

const sorted = (fields: readonly DescField[]) => [...fields].sort((a, b) => a.number - b.number);

function fieldWriter(field: DescField): WriteField {
  switch (field.fieldKind) {
    case "list":
      return listWriter(field);
    case "map":
      return mapWriter(field);
    default:
      return singleWriter(field);
  }
}

function singleWriter(field: DescField & { fieldKind: "scalar" | "enum" | "message" }): WriteField {
  const { localName, oneof } = field;
  const [tag, write] = [tagOf(field.number, wireTypeOf(field)), valueWriter(field)];
  if (oneof !== undefined) {
    const group = oneof.localName;
    return (message, to) => {
      const chosen = message[group] as { case?: string; value?: unknown };
      if (chosen.case !== localName) return;
      to.varint(tag);
      write(chosen.value, to);
    };
  }
  // Presence 2 is implicit: the zero value is the same as none.
  const skipsZero = field.fieldKind !== "message" && field.presence === 2;
  return (message, to) => {
    const value = message[localName];
    if (value === undefined || (skipsZero && isZero(value))) return;
    to.varint(tag);
    write(value, to);
  };
}

const isZero = (value: unknown): boolean =>
  value === 0
    ? !Object.is(value, -0)
    : value === "" || value === false || value === 0n || isEmptyBytes(value);

const isEmptyBytes = (value: unknown): boolean => value instanceof Uint8Array && value.length === 0;

function listWriter(field: DescField & { fieldKind: "list" }): WriteField {
  const { localName, number, listKind } = field;
  const write = listKind === "message" ? messageWriter(field.message) : scalarWriter(scalarOf(field));
  if (listKind !== "message" && field.packed) {
    const tag = tagOf(number, WireType.LengthDelimited);
    return (message, to) => {
      const list = message[localName] as unknown[];
      if (list.length === 0) return;
      to.varint(tag);
      const start = to.begin();
      for (const value of list) write(value, to);
      to.end(start);
    };
  }
  const tag = tagOf(number, wireTypeOf(field));
  return (message, to) => {
    for (const value of message[localName] as unknown[]) {
      to.varint(tag);
      write(value, to);
    }
  };
}

function mapWriter(field: DescField & { fieldKind: "map" }): WriteField {
  const tag = tagOf(field.number, WireType.LengthDelimited);
  const valueTag = tagOf(2, wireTypeOf(field));
  const write = field.mapKind === "message" ? messageWriter(field.message) : scalarWriter(scalarOf(field));
  const hasTextKeys = field.mapKey === ScalarType.STRING;
  return (message, to) => {
    for (const [key, value] of Object.entries(message[field.localName] as Fields)) {
      if (!hasTextKeys) throw new NoWriter();
      to.varint(tag);
      const start = to.begin();
      to.varint(tagOf(1, WireType.LengthDelimited));
      to.string(key);
      to.varint(valueTag);
      write(value, to);
      to.end(start);
    }
  };
}

function valueWriter(field: DescField & { fieldKind: "scalar" | "enum" | "message" }): WriteValue {
  if (field.fieldKind !== "message") return scalarWriter(scalarOf(field));
  if (field.delimitedEncoding) return unwritable;
  const { message, oneof } = field;
  if (oneof !== undefined) return messageWriter(message);
  // Outside of a oneof, protobuf-es has a wrapper's bare value.
  if (!isWrapperDesc(message)) return messageWriter(message);
  return (value, to) => {
    const start = to.begin();
    writeMessage(message, { value }, to);
    to.end(start);
  };
}

function messageWriter(schema: DescMessage): WriteValue {
  // protobuf-es has JSON in its place.
  if (schema.typeName === "google.protobuf.Struct") return unwritable;
  return (value, to) => {
    const start = to.begin();
    writeMessage(schema, value as Fields, to);
    to.end(start);
  };
}

function scalarWriter(type: ScalarType): WriteValue {
  switch (type) {
    case ScalarType.STRING:
      return (value, to) => to.string(value as string);
    case ScalarType.BYTES:
      return (value, to) => to.block(value as Uint8Array);
    case ScalarType.BOOL:
      return (value, to) => to.varint(value ? 1 : 0);
    case ScalarType.DOUBLE:
      return (value, to) => to.double(value as number);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return (value, to) => {
        if (typeof value !== "bigint") throw new NoWriter();
        to.varint64(value);
      };
    case ScalarType.INT32:
    case ScalarType.UINT32:
      return (value, to) => {
        const max = type === ScalarType.INT32 ? 0x7fff_ffff : 0xffff_ffff;
        if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max)
          throw new NoWriter();
        to.varint(value as number);
      };
    default:
      return unwritable;
  }
}

const unwritable = (): never => {
  throw new NoWriter();
};

const tagOf = (number: number, wireType: WireType): number => ((number << 3) | wireType) >>> 0;

/** An enum is written as an int32. */
const scalarOf = (field: DescField): ScalarType => field.scalar ?? ScalarType.INT32;

function wireTypeOf(field: DescField): WireType {
  if (field.message !== undefined) return WireType.LengthDelimited;
  switch (scalarOf(field)) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}
