// Copies of a route's requests: where they go, and how many of the requests are copied.

import type { IstioPercent, ServiceDestination } from "../../schema/generated/types.ts";
import type { FieldPath } from "../../schema/path.ts";
import { parsePercent } from "../../schema/values.ts";
import type { MeshMirror } from "./actions.ts";
import { type WrittenRoute, writtenAt } from "./delegates.ts";
import { resolveDestination } from "./destinations.ts";
import type { Known } from "./routes.ts";

const all = 1_000_000;

/** Those with a share of 0 are left out. */
export function resolveMirrors(written: WrittenRoute, port: number, known: Known): MeshMirror[] {
  const { mirror, mirrors = [], mirrorPercentage, mirrorPercent } = written.http;
  const one = mirrorPercentage ?? (mirrorPercent === undefined ? undefined : { value: mirrorPercent });
  const found = [
    mirror && resolve(written, "mirror", [], mirror, one, port, known),
    ...mirrors.map(({ destination, percentage }, i) =>
      resolve(written, "mirrors", [i, "destination"], destination, percentage, port, known),
    ),
  ];
  return found.filter((m) => m !== undefined && m.millionths > 0) as MeshMirror[];
}

function resolve(
  written: WrittenRoute,
  field: "mirror" | "mirrors",
  within: FieldPath,
  destination: ServiceDestination,
  percentage: IstioPercent | undefined,
  port: number,
  known: Known,
): MeshMirror | undefined {
  const { resource, index } = writtenAt(written, field);
  const path = ["spec", "http", index, field, ...within];
  const to = resolveDestination(resource, destination, path, port, known);
  const millionths = percentage === undefined ? all : (parsePercent(percentage.value ?? 0) ?? 0);
  return to && { cluster: to.cluster, millionths };
}
