// Writes the table that assembly/config/decode.ts interprets; assembly/config/table.ts draws its layout, and the
// numbers here and there must agree.

import type { Field, MapSchema, ObjectSchema, Schema, StringFormat } from "../language.ts";
import { durationNs, parsePercent, parseTimestamp } from "../values.ts";
import { isWide, layoutOf, stride } from "./record-layout.ts";

const kinds = {
  object: 1,
  list: 2,
  map: 3,
  string: 4,
  integer: 5,
  number: 6,
  boolean: 7,
  duration: 8,
  percent: 9,
  timestamp: 10,
  enum: 11,
  any: 12,
} as const;
const REFUSED = 13;
const NONE = 0xffffffff;
const groupRules = { exactlyOneOf: 0, atMostOneOf: 1, atLeastOneOf: 2 } as const;

/** Numbers of the forms that filters can meet; the others occur in resources only. */
const formats: Partial<Record<StringFormat, number>> = {
  headerName: 1,
  headerValue: 2,
  token: 3,
  name: 4,
  host: 5,
  regex: 6,
  cidr: 7,
  path: 8,
};

/** Collects nodes; each declaration is written once. */
export class Table {
  readonly words: number[] = [];
  texts = "";
  private readonly nodes = new Map<Schema, number>();
  private readonly places = new Map<string, number>();

  /** Offset and length of a text. */
  private text(text: string): [offset: number, length: number] {
    let offset = this.places.get(text);
    if (offset === undefined) {
      offset = this.texts.length;
      this.places.set(text, offset);
      this.texts += text;
    }
    return [offset, text.length];
  }

  private add(words: readonly number[]): number {
    this.words.push(...words);
    return this.words.length - words.length;
  }

  node(schema: Schema): number {
    const known = this.nodes.get(schema);
    if (known !== undefined) return known;
    const index = this.add(this.encode(schema));
    this.nodes.set(schema, index);
    return index;
  }

  private encode(schema: Schema): number[] {
    const kind = kinds[schema.type];
    switch (schema.type) {
      case "object":
        return this.encodeObject(schema);
      case "list": {
        const unique =
          schema.uniqueBy !== undefined && schema.of.type === "object"
            ? layoutOf(schema.of).slots.get(schema.uniqueBy)?.offset
            : undefined;
        return [
          kind,
          this.node(schema.of),
          stride(schema.of),
          schema.minItems ?? 0,
          schema.maxItems,
          unique ?? NONE,
        ];
      }
      case "map":
        return this.encodeMap(schema);
      case "string":
        return [kind, schema.minLength ?? 0, schema.maxLength, format(schema.format)];
      case "integer":
        return [kind, isWide(schema) ? 8 : 4, ...long(BigInt(schema.min)), ...long(BigInt(schema.max))];
      case "number":
        return [kind, ...double(schema.min), ...double(schema.max)];
      case "duration":
        return [kind, ...long(BigInt(schema.minMs)), ...long(BigInt(schema.maxMs))];
      case "enum":
        return [kind, schema.values.length, ...schema.values.flatMap((value) => this.text(value))];
      default:
        return [kind];
    }
  }

  private encodeMap(schema: MapSchema): number[] {
    return [kinds.map, this.node(schema.of), 8 + stride(schema.of), schema.maxItems, format(schema.keys)];
  }

  private encodeObject(schema: ObjectSchema): number[] {
    const layout = layoutOf(schema);
    const names = Object.keys(schema.fields);
    const mask = (group: readonly string[]) =>
      group.reduce((bits, name) => (bits | (1 << names.indexOf(name))) >>> 0, 0);
    const fields = [names.length];
    const defaults: number[] = [];
    for (const [name, field] of Object.entries(schema.fields)) {
      const slot = layout.slots.get(name);
      const node =
        field.unsupported === undefined
          ? this.node(field.schema)
          : this.add([REFUSED, ...this.text(field.unsupported)]);
      fields.push(...this.text(name), slot?.offset ?? 0, node);
      if (field.default !== undefined && slot !== undefined)
        defaults.push(...this.default(field, slot.offset));
    }
    const groups = (["exactlyOneOf", "atMostOneOf", "atLeastOneOf"] as const).flatMap((rule) =>
      (schema[rule] ?? []).flatMap((group) => [groupRules[rule], mask(group)]),
    );
    const required = mask(names.filter((name) => schema.fields[name]?.required === true));
    return [
      kinds.object,
      layout.size,
      required,
      this.add(fields),
      this.add([defaults.length / 4, ...defaults]),
      this.add([groups.length / 2, ...groups]),
    ];
  }

  /** Slot, width, two words. Defaults of lists and maps are the filter's: the record says that they are absent. */
  private default({ schema, default: value }: Field, offset: number): number[] {
    switch (schema.type) {
      case "string":
        return [offset, 2, ...this.text(String(value))];
      case "boolean":
        return [offset, 1, value === true ? 1 : 0, 0];
      case "enum":
        return [offset, 1, schema.values.indexOf(String(value)), 0];
      case "integer":
        return [offset, isWide(schema) ? 8 : 4, ...long(BigInt(Number(value)))];
      case "number":
        return [offset, 8, ...double(Number(value))];
      case "duration":
        return [offset, 8, ...long(durationNs(String(value)))];
      case "percent":
        return [offset, 4, parsePercent(value as number | string) ?? 0, 0];
      case "timestamp":
        return [offset, 8, ...long(BigInt(parseTimestamp(String(value)) ?? 0))];
      default:
        return [];
    }
  }
}

function format(name: StringFormat | undefined): number {
  if (name === undefined) return 0;
  const number = formats[name];
  if (number === undefined) throw new Error(`filters do not read texts of the form ${name}`);
  return number;
}

function long(value: bigint): [number, number] {
  const bits = BigInt.asUintN(64, value);
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

function double(value: number): [number, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}
