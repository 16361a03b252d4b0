// Which AssemblyScript readers are generated, and where they lie.

import { attachment } from "../attach.ts";
import { faultConfig } from "../fault.ts";
import { headerRoutingConfig } from "../header-routing.ts";
import type { ObjectSchema } from "../language.ts";
import { requestMatch, stringMatch } from "../match.ts";
import { metricsConfig } from "../metrics.ts";
import { rateLimitConfig } from "../rate-limit.ts";
import { suiteConfig } from "../suite.ts";
import { emitAssemblyScript, emitAssemblyScriptRecords, records } from "./assemblyscript.ts";

/** What matching and attachment work on, whichever filter reads it. */
const sharedRecords: readonly ObjectSchema[] = [stringMatch, requestMatch, attachment];

const filters: Readonly<Record<string, ObjectSchema>> = {
  header_routing: headerRoutingConfig,
  fault: faultConfig,
  metrics: metricsConfig,
  rate_limit: rateLimitConfig,
};

/** Generated files by their path from the root of the repository. */
export function readerFiles(): Map<string, string> {
  const files = new Map<string, string>();
  files.set("assembly/generated/records.ts", emitAssemblyScriptRecords(sharedRecords));
  const assembly = "../../../assembly";
  const shared = new Map(sharedRecords.map((record) => [record.name, `${assembly}/generated/records`]));
  for (const [filter, schema] of Object.entries(filters))
    files.set(`filters/${filter}/generated/config.ts`, emitAssemblyScript(schema, { assembly, shared }));
  files.set("filters/suite/generated/config.ts", suiteReader(assembly));
  return files;
}

/** The suite's records are those of the single filters, whose code works on them. */
function suiteReader(assembly: string): string {
  const shared = new Map<string, string>();
  for (const [filter, schema] of Object.entries(filters))
    for (const { name } of records([schema])) shared.set(name, `../../${filter}/generated/config`);
  return emitAssemblyScript(suiteConfig, { assembly, shared, keepsShared: true });
}
