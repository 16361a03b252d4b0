// Headers that a route or a destination sets, adds and removes, in the fields of Envoy's messages.

import { create } from "@bufbuild/protobuf";
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction as Append,
  HeaderValueOptionSchema,
} from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import type { HeaderOperations, Headers } from "../../schema/generated/types.ts";
import { compare } from "./registry.ts";

/** The four fields that routes and weighted clusters have in common; later entries come after earlier ones. */
export function headerFields(...all: (Headers | undefined)[]) {
  return {
    requestHeadersToAdd: all.flatMap((headers) => additions(headers?.request)),
    requestHeadersToRemove: all.flatMap((headers) => removals(headers?.request)),
    responseHeadersToAdd: all.flatMap((headers) => additions(headers?.response)),
    responseHeadersToRemove: all.flatMap((headers) => removals(headers?.response)),
  };
}

const additions = (operations: HeaderOperations | undefined): HeaderValueOption[] => [
  ...values(operations?.set, Append.OVERWRITE_IF_EXISTS_OR_ADD),
  ...values(operations?.add, Append.APPEND_IF_EXISTS_OR_ADD),
];

const removals = (operations: HeaderOperations | undefined): string[] =>
  (operations?.remove ?? []).filter(isOrdinary);

/** Host and :authority cannot be changed as headers: Envoy rewrites them. */
export const newAuthority = (headers: Headers | undefined): string | undefined =>
  authorityOf(headers?.request?.set) ?? authorityOf(headers?.request?.add);

const isOrdinary = (name: string): boolean => !name.startsWith(":") && name.toLowerCase() !== "host";

function authorityOf(map: Record<string, string> | undefined): string | undefined {
  const entry = Object.entries(map ?? {}).find(([name]) => /^(:authority|host)$/i.test(name));
  return entry?.[1];
}

function values(map: Record<string, string> | undefined, appendAction: Append): HeaderValueOption[] {
  return Object.entries(map ?? {})
    .filter(([name]) => isOrdinary(name))
    .sort(([a], [b]) => compare(a, b))
    .map(([key, value]) => create(HeaderValueOptionSchema, { header: { key, value }, appendAction }));
}
