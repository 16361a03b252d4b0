// Where each field of a record lies, and what its slot holds: the records that assembly/config/decode.ts fills.

import type { ObjectSchema, Schema } from "../language.ts";

export interface Slot {
  offset: number;
  /** Members of the class: name, type, offset. */
  members: [name: string, type: string, offset: number][];
}

export interface Layout {
  size: number;
  align: number;
  slots: Map<string, Slot>;
}

const layouts = new WeakMap<ObjectSchema, Layout>();

/** Where each field lies; members are aligned to their size, as AssemblyScript does it. */
export function layoutOf(schema: ObjectSchema): Layout {
  const known = layouts.get(schema);
  if (known !== undefined) return known;
  const names = Object.keys(schema.fields);
  if (names.length > 32) throw new Error(`${schema.name} has more than 32 fields`);
  const layout: Layout = { size: 4, align: 4, slots: new Map() };
  for (const [name, field] of Object.entries(schema.fields)) {
    if (field.unsupported !== undefined) continue;
    const parts = members(field.schema);
    const align = Math.max(...parts.map(([, , width]) => width), 1);
    let offset = Math.ceil(layout.size / align) * align;
    const slot: Slot = { offset, members: [] };
    for (const [suffix, type, width] of parts) {
      slot.members.push([`${name}${suffix}`, type, offset]);
      offset += width;
    }
    layout.slots.set(name, slot);
    layout.size = offset;
    layout.align = Math.max(layout.align, align);
  }
  layout.size = Math.ceil(layout.size / layout.align) * layout.align;
  layouts.set(schema, layout);
  return layout;
}

/** The parts of a field's slot: suffix of the name, type, width in bytes. */
function members(schema: Schema): [suffix: string, type: string, width: number][] {
  switch (schema.type) {
    case "object":
      return [["", `${schema.name} | null`, 4]];
    case "list":
    case "map":
      return [
        ["Start", "usize", 4],
        ["Count", "u32", 4],
        ["Index", "usize", 4],
      ];
    case "string": {
      const text: [string, string, number][] = [
        ["Start", "usize", 4],
        ["Length", "u32", 4],
      ];
      return schema.format === "regex" ? [...text, ["Compiled", "usize", 4]] : text;
    }
    case "integer":
      return isWide(schema) ? [["", "i64", 8]] : [["", "i32", 4]];
    case "number":
      return [["", "f64", 8]];
    case "boolean":
      return [["", "bool", 1]];
    case "enum":
      return [["", "u8", 1]];
    case "duration":
      return [["Ns", "i64", 8]];
    case "timestamp":
      return [["Ms", "i64", 8]];
    case "percent":
      return [["Millionths", "u32", 4]];
    case "any":
      return [];
  }
}

export const isWide = (schema: { min: number; max: number }): boolean =>
  schema.min < -2_147_483_648 || schema.max > 2_147_483_647;

/** Bytes that a value takes in a list or, after its key, in a map. */
export function stride(schema: Schema): number {
  if (schema.type === "object") return layoutOf(schema).size;
  return members(schema).reduce((sum, [, , width]) => sum + width, 0);
}
