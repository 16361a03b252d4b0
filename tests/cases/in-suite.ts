// A single filter's case as one of the suite: the same configuration, as the part that it is there.

import type { CompiledModule } from "../../host/index.ts";
import { suiteParts } from "../../schema/suite.ts";
import type { Case, Refused } from "./format.ts";

/** Filters that are parts of the suite. */
export const isPart = (filter: string): boolean => suiteParts[filter] !== undefined;

export function asSuiteCase(one: Case, filter: string): Case {
  const before = `{"${suiteParts[filter]}":`;
  const wrap = (configuration: string) => `${before}${configuration}}`;
  const moved = (configuration: string, refused: Refused | undefined): Refused | undefined => {
    if (refused === undefined) return undefined;
    // What is no JSON at all ends elsewhere when something follows it.
    if (!isJson(configuration)) return {};
    const path = refused.path === "" ? suiteParts[filter] : `${suiteParts[filter]}.${refused.path}`;
    const byte = refused.byte === undefined ? {} : { byte: refused.byte + before.length };
    return { ...refused, path: path ?? "", ...byte };
  };
  return {
    ...one,
    configuration: wrap(one.configuration),
    refused: moved(one.configuration, one.refused),
    steps: one.steps.map((step) =>
      step.kind === "configure"
        ? {
            ...step,
            configuration: wrap(step.configuration),
            refused: moved(step.configuration, step.refused),
          }
        : step,
    ),
  };
}

/** What the suite is allowed where it has this part alone: its hostcalls, and the callbacks of the single filter. */
export function partCapabilities(suite: CompiledModule, single: CompiledModule): string[] {
  const hostcalls = suite.imports.map((name) => name.slice(name.indexOf(".") + 1));
  return [...hostcalls, ...single.exports.filter((name) => /^proxy_on_(?!memory_allocate$)/.test(name))];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
