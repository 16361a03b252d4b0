// Interprets the schema language over a plain value. Every problem says where it is, what is wrong and what
// would be right; one cause gives one problem.

import { describe, expected, remedy, slashComment, tooFew, tooMany } from "./describe.ts";
import { checkFormat } from "./formats.ts";
import type { ListSchema, MapSchema, ObjectSchema, Schema } from "./language.ts";
import { adviseUnknown, type Frame } from "./misplaced.ts";
import { formatPath, type FieldPath } from "./path.ts";
import { checkScalar } from "./scalars.ts";

export interface Problem {
  severity: "error" | "warning";
  path: FieldPath;
  /** Whether the fault lies in the field's name or in its value. */
  at: "key" | "value";
  message: string;
}

/** How the scalar at a path was spelt, such as `00` for the number 0. */
export type Spelling = (path: FieldPath) => string | undefined;

/** More problems than this say nothing more: the rest is only counted. */
const maxProblems = 100;

/** All problems of a value, in the order of the document. */
export function validate(
  schema: Schema,
  value: unknown,
  path: FieldPath = [],
  spelling: Spelling = () => undefined,
): Problem[] {
  const walk = new Walk(spelling);
  walk.value(schema, value, path);
  if (walk.left > 0)
    walk.problems.push({ severity: "error", path, at: "value", message: `and ${walk.left} more problems` });
  return walk.problems;
}

class Walk {
  readonly problems: Problem[] = [];
  /** Problems beyond the limit. */
  left = 0;
  private readonly frames: Frame[] = [];
  private readonly spelling: Spelling;

  constructor(spelling: Spelling) {
    this.spelling = spelling;
  }

  private add(path: FieldPath, message: string, at: "key" | "value" = "value"): void {
    if (this.problems.length < maxProblems) this.problems.push({ severity: "error", path, at, message });
    else this.left++;
  }

  value(schema: Schema, value: unknown, path: FieldPath): void {
    switch (schema.type) {
      case "any":
        return;
      case "object":
        if (isMapping(value)) this.object(schema, value, path);
        else this.wrongType(schema, value, path);
        return;
      case "map":
        if (isMapping(value)) this.map(schema, value, path);
        else this.wrongType(schema, value, path);
        return;
      case "list":
        if (Array.isArray(value)) this.list(schema, value, path);
        else this.wrongType(schema, value, path);
        return;
      default: {
        const message = checkScalar(schema, value);
        if (message === "type") this.wrongType(schema, value, path);
        else if (message !== undefined) this.add(path, message + commentHint(value));
      }
    }
  }

  private wrongType(schema: Schema, value: unknown, path: FieldPath): void {
    const spelt = typeof value === "string" ? undefined : this.spelling(path);
    const instead = remedy(schema, value, spelt);
    const found = value === null || value === undefined ? "is empty" : `found ${describe(value, spelt)}`;
    this.add(path, `${found}; ${expected(schema)} is expected${instead === "" ? "" : `: ${instead}`}`);
  }

  private object(schema: ObjectSchema, value: Record<string, unknown>, path: FieldPath): void {
    this.frames.push({ schema, path });
    let strange = false;
    for (const [name, inner] of Object.entries(value)) {
      const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
      if (field?.unsupported !== undefined)
        this.add([...path, name], `not supported: ${field.unsupported}`, "key");
      else if (field === undefined) this.add([...path, name], adviseUnknown(name, this.frames), "key");
      if (field === undefined || field.unsupported !== undefined) strange = true;
      else this.value(field.schema, inner, [...path, name]);
    }
    // A misspelt or misplaced field is often the one that seems to be missing: one cause, one problem.
    if (!strange) this.missing(schema, value, path);
    this.groups(schema, value, path, strange);
    this.frames.pop();
  }

  private missing(schema: ObjectSchema, value: Record<string, unknown>, path: FieldPath): void {
    for (const [name, field] of Object.entries(schema.fields))
      if (field.required === true && !Object.hasOwn(value, name))
        this.add(path, `\`${name}\` is missing: ${field.doc}`);
  }

  private groups(
    schema: ObjectSchema,
    value: Record<string, unknown>,
    path: FieldPath,
    strange: boolean,
  ): void {
    const present = (group: readonly string[]) => group.filter((name) => Object.hasOwn(value, name));
    for (const group of [...(schema.exactlyOneOf ?? []), ...(schema.atMostOneOf ?? [])]) {
      const given = present(group);
      const [first, second] = given;
      if (first !== undefined && second !== undefined)
        this.add([...path, second], `only one of ${names(given)} may be given; remove all but one`, "key");
    }
    if (strange) return;
    for (const group of [...(schema.exactlyOneOf ?? []), ...(schema.atLeastOneOf ?? [])])
      if (present(group).length === 0) this.add(path, `one of ${names(group)} is needed`);
  }

  private map(schema: MapSchema, value: Record<string, unknown>, path: FieldPath): void {
    const entries = Object.entries(value);
    if (entries.length > schema.maxItems) this.add(path, tooMany(entries.length, schema.maxItems, "entry"));
    const seen = new Map<string, string>();
    for (const [key, inner] of entries.slice(0, schema.maxItems)) {
      const inPath = [...path, key];
      const wrong = schema.keys === undefined ? undefined : checkFormat(schema.keys, key);
      if (wrong !== undefined) this.add(inPath, wrong, "key");
      const folded = schema.keys === "headerName" ? key.toLowerCase() : key;
      const first = seen.get(folded);
      if (first !== undefined)
        this.add(inPath, `the same header as \`${first}\`: case does not count; write it once`, "key");
      seen.set(folded, key);
      this.value(schema.of, inner, inPath);
    }
  }

  private list(schema: ListSchema, value: readonly unknown[], path: FieldPath): void {
    const least = schema.minItems ?? 0;
    if (value.length < least) this.add(path, tooFew(value.length, least, "entry"));
    if (value.length > schema.maxItems) this.add(path, tooMany(value.length, schema.maxItems, "entry"));
    const checked = value.slice(0, schema.maxItems);
    for (const [i, inner] of checked.entries()) this.value(schema.of, inner, [...path, i]);
    if (schema.uniqueBy !== undefined) this.unique(schema.uniqueBy, checked, path);
  }

  private unique(name: string, value: readonly unknown[], path: FieldPath): void {
    const seen = new Map<unknown, number>();
    for (const [i, entry] of value.entries()) {
      if (!isMapping(entry) || !Object.hasOwn(entry, name)) continue;
      const first = seen.get(entry[name]);
      if (first === undefined) seen.set(entry[name], i);
      else
        this.add(
          [...path, i, name],
          `${describe(entry[name])} is already that of \`${formatPath([...path, first])}\`; each entry needs a \`${name}\` of its own`,
        );
    }
  }
}

const names = (group: readonly string[]) => group.map((name) => `\`${name}\``).join(", ");

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Appended where a text is refused that holds what was meant as a comment. */
function commentHint(value: unknown): string {
  const comment = slashComment(value);
  if (comment === undefined) return "";
  return `; YAML comments begin with #: write \`${`${comment.value} # ${comment.comment}`.trim()}\``;
}
