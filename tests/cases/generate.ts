// Random configurations that fit a schema, and random damage to their text. Seeded: the same seed gives the
// same configurations everywhere.

import { Random } from "../../host/index.ts";
import type { ObjectSchema, Schema, StringFormat } from "../../schema/language.ts";

const texts: Partial<Record<StringFormat | "plain", readonly string[]>> = {
  plain: ["", "a", "x-user", "/api", "é", "a b", "default", "\u0001", "%2F", "0", "🦊", "long ".repeat(40)],
  headerName: ["uid", "x-user", "accept", "cookie", "x-tenant", "x-sluice-destination"],
  headerValue: ["", "v", "a, b", "é"],
  token: ["session", "user", "a-b"],
  name: ["v1", "v2", "v3"],
  host: ["search", "search.default.svc.cluster.local", "a.example"],
  regex: [
    "a",
    "[0-9]+",
    "(a|b)*c",
    ".*",
    "(?i)abc",
    "a{2,5}",
    "\\d\\w",
    "(",
    "a**",
    "x{1000}",
    "(a|b|c){30}",
  ],
  cidr: ["10.0.0.0/8", "192.168.1.7", "::1", "2001:db8::/32", "0.0.0.0/0"],
  path: ["/", "/a/b"],
};

/** Fields that only say how much memory is set aside: large ones make a run slow and teach nothing. */
const sizes = new Set(["arenaKiB", "maxStreams", "maxKeys"]);

/** A value that fits the schema, most of the time: forms such as regexes are drawn from good and bad ones. */
export class Generator {
  readonly random: Random;
  #unique = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  configuration(schema: ObjectSchema): string {
    return JSON.stringify(this.value(schema, 0));
  }

  value(schema: Schema, depth: number): unknown {
    const { random } = this;
    switch (schema.type) {
      case "object":
        return this.#object(schema, depth);
      case "list": {
        const items = this.#count(schema.minItems ?? 0, schema.maxItems, depth);
        return Array.from({ length: items }, () => this.#item(schema.of, schema.uniqueBy, depth));
      }
      case "map": {
        const entries = Array.from({ length: this.#count(0, schema.maxItems, depth) }, () => [
          this.#text(schema.keys ?? "token"),
          this.value(schema.of, depth + 1),
        ]);
        return Object.fromEntries(entries);
      }
      case "string":
        return this.#text(schema.format ?? "plain") || (schema.minLength === undefined ? "" : "a");
      case "integer":
        return this.pick([
          schema.min,
          schema.max,
          schema.min + random.below(Math.min(100, schema.max - schema.min + 1)),
        ]);
      case "number":
        return schema.min + (random.below(1000) / 1000) * (schema.max - schema.min);
      case "boolean":
        return random.below(2) === 0;
      case "duration":
        return this.pick(["1s", "100ms", "1h30m", "1.5s", `${schema.minMs}ms`, `${schema.maxMs}ms`]);
      case "percent":
        return this.pick([0, 100, 12.5, "20%", 0.0001]);
      case "timestamp":
        return this.pick(["2027-01-01T00:00:00Z", "2020-02-29T23:59:59.5+02:00"]);
      case "enum":
        return this.pick(schema.values);
      case "any":
        return null;
    }
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.random.below(values.length)] as Value;
  }

  #object(schema: ObjectSchema, depth: number): Record<string, unknown> {
    const chosen = new Set<string>();
    for (const group of [...(schema.exactlyOneOf ?? []), ...(schema.atLeastOneOf ?? [])])
      chosen.add(this.pick(group));
    const single = [...(schema.exactlyOneOf ?? []), ...(schema.atMostOneOf ?? [])];
    const object: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(schema.fields)) {
      if (field.unsupported !== undefined) continue;
      const grouped = single.some((group) => group.includes(name));
      const wanted = field.required || chosen.has(name) || (!grouped && this.random.below(3) === 0);
      const free = single.every(
        (group) => !group.includes(name) || group.every((one) => object[one] === undefined),
      );
      if (!wanted || !free) continue;
      object[name] = this.value(sized(name, field.schema), depth + 1);
    }
    return object;
  }

  #item(schema: Schema, uniqueBy: string | undefined, depth: number): unknown {
    const item = this.value(schema, depth + 1);
    if (uniqueBy !== undefined && typeof item === "object" && item !== null) {
      Object.assign(item, { [uniqueBy]: `ns/unique-${this.#unique++}` });
    }
    return item;
  }

  #count(min: number, max: number, depth: number): number {
    return Math.min(max, min + this.random.below(depth > 3 ? 3 : 5));
  }

  #text(format: StringFormat | "plain"): string {
    return this.pick(texts[format] ?? texts.plain ?? [""]);
  }
}

function sized(name: string, schema: Schema): Schema {
  if (schema.type !== "integer" || !sizes.has(name)) return schema;
  return { ...schema, max: Math.min(schema.max, schema.min + 1_000) };
}

const tokens = [
  ...'{}[]:,"\\0123456789.-+eE tfn\u0000\u001f\u007f',
  ...'null true false 1e999 -0 1.5 1e3 100.0 18446744073709551616 9223372036854775807 0x1 "" {} [] \\u0000 \\ud800 \\udc00\\ud800'.split(
    " ",
  ),
  '"policies"',
  '"__proto__"',
  '{"a":',
  "[".repeat(2_000),
  '{"a":'.repeat(300),
  `"${"x".repeat(9_000)}"`,
  " ".repeat(5_000),
];

/** Damages a text in one to four places; now and then cuts it short or doubles a part of it. */
export function damage(text: Buffer, generator: Generator): Buffer {
  const { random } = generator;
  let bytes = Buffer.from(text);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.below(12));
    const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    switch (random.below(8)) {
      case 0:
        bytes = Buffer.from(before);
        break;
      case 1:
        bytes = Buffer.concat([before, after]);
        break;
      case 2:
        bytes = Buffer.concat([before, middle, middle, after]);
        break;
      case 3:
      case 4:
        bytes = Buffer.concat([before, Buffer.from(generator.pick(tokens)), after]);
        break;
      case 5:
        bytes = Buffer.concat([before, Buffer.from([random.below(256)]), middle.subarray(1), after]);
        break;
      case 6:
        bytes = Buffer.concat([before, Buffer.from(generator.pick(tokens)), middle, after]);
        break;
      default:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
  }
  return bytes;
}
