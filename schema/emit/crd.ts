// CustomResourceDefinitions of our kinds, so that a Kubernetes API server refuses about one resource what validate
// refuses: unknown fields (under strict field validation), types, bounds, and the groups of fields of which one
// stands.
//
// A structural schema knows no references, so every object is written out where it is used. CEL rules, which say
// what is wrong in words, are priced by the API server before they run: by how often they may be evaluated, which
// the lists' bounds tell. A group that is repeated too often is written as plain JSON Schema, which is free.

import { stringify } from "yaml";
import type { Kind } from "../kinds.ts";
import type { Field, ListSchema, ObjectSchema, Schema, StringFormat } from "../language.ts";
import { formatRules, keyRules, objectRules, type Rule } from "./crd-rules.ts";

type Json = Record<string, unknown>;

/** The API server refuses a rule whose estimate is above 10,000,000; one of ours costs some 10 per field. */
const maxEvaluations = 10_000;

export function emitCrds(kinds: readonly Kind[]): string {
  const head =
    "# CustomResourceDefinitions of Sluice's resources: kubectl apply --server-side -f crds.yaml\n" +
    "# Generated from schema/, do not edit.\n";
  return `${head}${kinds.map((kind) => `---\n${stringify(definition(kind), { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false })}`).join("")}`;
}

function definition({ group, versions, kind, spec }: Kind): Json {
  const singular = kind.toLowerCase();
  const plural = pluralOf(singular);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, singular, plural, categories: ["sluice"] },
      versions: versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: {
          openAPIV3Schema: {
            type: "object",
            description: spec.doc,
            required: ["spec"],
            properties: {
              apiVersion: { type: "string" },
              kind: { type: "string" },
              metadata: { type: "object" },
              spec: objectSchema(spec, 1),
              status,
            },
          },
        },
      })),
    },
  };
}

const conditionColumn = (type: string): Json => ({
  name: type,
  type: "string",
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
});

const columns = [
  conditionColumn("Accepted"),
  conditionColumn("Programmed"),
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** Written by `sluice controller`, in the form that Kubernetes has for conditions. */
const status: Json = {
  type: "object",
  properties: {
    conditions: {
      type: "array",
      maxItems: 8,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: {
        type: "object",
        required: ["type", "status", "lastTransitionTime", "reason", "message"],
        properties: {
          type: { type: "string", maxLength: 316 },
          status: { type: "string", enum: ["True", "False", "Unknown"] },
          observedGeneration: { type: "integer", format: "int64", minimum: 0 },
          lastTransitionTime: { type: "string", format: "date-time" },
          reason: { type: "string", maxLength: 1024, minLength: 1 },
          message: { type: "string", maxLength: 32_768 },
        },
      },
    },
  },
};

export const pluralOf = (singular: string): string =>
  singular.endsWith("y")
    ? `${singular.slice(0, -1)}ies`
    : `${singular}${singular.endsWith("ch") ? "es" : "s"}`;

/** `count`: how often the value may stand in one resource. */
function valueSchema(schema: Schema, count: number): Json {
  switch (schema.type) {
    case "object":
      return objectSchema(schema, count);
    case "list":
      return {
        type: "array",
        maxItems: schema.maxItems,
        ...(schema.minItems === undefined ? {} : { minItems: schema.minItems }),
        ...uniqueness(schema),
        items: valueSchema(schema.of, count * schema.maxItems),
      };
    case "map":
      return {
        type: "object",
        maxProperties: schema.maxItems,
        ...validations([keyRules[schema.keys ?? ""]], count * schema.maxItems),
        additionalProperties: valueSchema(schema.of, count * schema.maxItems),
      };
    case "string":
      return {
        type: "string",
        maxLength: schema.maxLength,
        ...(schema.minLength === undefined ? {} : { minLength: schema.minLength }),
        ...patternOf(schema.format),
        ...validations([formatRules[schema.format ?? ""]], count, formatRules[schema.format ?? ""]?.cost),
      };
    case "integer":
      return schema.values === undefined
        ? { type: "integer", format: "int64", minimum: schema.min, maximum: schema.max }
        : { type: "integer", format: "int64", enum: schema.values };
    case "number":
      return { type: "number", minimum: schema.min, maximum: schema.max };
    case "boolean":
      return { type: "boolean" };
    case "duration":
      return { type: "string", maxLength: 64, pattern: "^([0-9]+(\\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h))+$" };
    case "percent":
      // A number or a text: without a type, bounds hold for the one and the pattern for the other.
      return {
        "x-kubernetes-preserve-unknown-fields": true,
        minimum: 0,
        maximum: 100,
        pattern: "^\\s*[0-9]{1,3}(\\.[0-9]{1,4})?\\s*%?\\s*$",
      };
    case "timestamp":
      return { type: "string", format: "date-time" };
    case "enum":
      return schema.ignoreCase === true ? { type: "string" } : { type: "string", enum: schema.values };
    case "any":
      return { "x-kubernetes-preserve-unknown-fields": true };
  }
}

/** A list whose entries have names is merged by them, and the API server refuses a name that stands twice. */
function uniqueness({ uniqueBy, of }: ListSchema): Json {
  if (uniqueBy === undefined || of.type !== "object" || of.fields[uniqueBy]?.required !== true) return {};
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [uniqueBy] };
}

/** Rules that are not evaluated so often that the API server would refuse them. */
function validations(rules: readonly (Rule | undefined)[], count: number, cost = 10): Json {
  if (count * cost > 9_000_000) return {};
  const known = rules.flatMap((rule) =>
    rule === undefined ? [] : [{ rule: rule.rule, message: rule.message }],
  );
  return known.length === 0 ? {} : { "x-kubernetes-validations": known };
}

const patterns: Partial<Record<StringFormat, string>> = {
  headerName: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
  token: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
  name: "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
  path: "^/",
};

/** Formats without a pattern are left to validate. */
function patternOf(format: StringFormat | undefined): Json {
  const pattern = format === undefined ? undefined : patterns[format];
  return pattern === undefined ? {} : { pattern };
}

export function objectSchema(schema: ObjectSchema, count: number): Json {
  const fields = Object.entries(schema.fields).filter(([, field]) => field.unsupported === undefined);
  const required = fields.filter(([, field]) => field.required === true).map(([name]) => name);
  const properties = fields.map(([name, field]): [string, Json] => [
    name,
    { description: field.doc, ...valueSchema(field.schema, count) },
  ]);
  return {
    type: "object",
    ...(required.length === 0 ? {} : { required }),
    ...groupRules(schema, Object.fromEntries(fields), count),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
  };
}

interface Group {
  names: readonly string[];
  /** Of how many there are: the rule's comparison, and the same in words. */
  comparison: string;
  words: string;
  plain: Json;
}

function groupRules(schema: ObjectSchema, fields: Record<string, Field>, count: number): Json {
  const groups = groupsOf(schema, fields);
  const isPriced = (group: Group): boolean =>
    count <= maxEvaluations && group.names.every((name) => isVisibleToCel(fields[name]));
  const ofGroups = groups.filter(isPriced).map(({ names, comparison, words }) => ({
    rule: `[${names.map((name) => `has(self.${celName(name)})`).join(", ")}].filter(x, x).size() ${comparison}`,
    message: `${words} ${names.join(", ")}`,
  }));
  const own = count <= maxEvaluations * 10 ? (objectRules[schema.name] ?? []) : [];
  const rules = [...ofGroups, ...own];
  const plain = groups.filter((group) => !isPriced(group)).map((group) => group.plain);
  return {
    ...(rules.length === 0 ? {} : { "x-kubernetes-validations": rules }),
    ...(plain.length === 0 ? {} : { allOf: plain }),
  };
}

function groupsOf(schema: ObjectSchema, fields: Record<string, Field>): Group[] {
  const known = (names: readonly string[]) => names.filter((name) => fields[name] !== undefined);
  const present = (names: readonly string[]) => names.map((name) => ({ required: [name] }));
  const pairs = (names: readonly string[]) =>
    names.flatMap((a, i) => names.slice(i + 1).map((b) => ({ required: [a, b] })));
  const of = (
    groups: readonly string[][] | undefined,
    comparison: string,
    words: string,
    plain: (names: readonly string[]) => Json,
  ): Group[] => (groups ?? []).map(known).map((names) => ({ names, comparison, words, plain: plain(names) }));
  return [
    ...of(schema.exactlyOneOf, "== 1", "give exactly one of", (names) => ({ oneOf: present(names) })),
    ...of(schema.atMostOneOf, "<= 1", "give at most one of", (names) => ({ not: { anyOf: pairs(names) } })),
    ...of(schema.atLeastOneOf, ">= 1", "give at least one of", (names) => ({ anyOf: present(names) })),
  ];
}

/** CEL sees no field without a type, nor may it an object without fields. */
function isVisibleToCel(field: Field | undefined): boolean {
  if (field === undefined || field.schema.type === "any" || field.schema.type === "percent") return false;
  return field.schema.type !== "object" || Object.keys(field.schema.fields).length > 0;
}

const reserved = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace return " +
    "var void while"
  ).split(" "),
);

const celName = (name: string): string => (reserved.has(name) ? `__${name}__` : name);
