// The instances of a service: those that its ServiceEntry lists, or the WorkloadEntries that it selects.

import { isIP } from "node:net";
import type { ServiceEntrySpec, WorkloadEntry } from "../../schema/generated/types.ts";
import type { Resource } from "../model.ts";
import { identity, place, type Report } from "./report.ts";

/** Undefined where the host's own name is looked up. */
export function instancesOf(
  service: Resource<ServiceEntrySpec>,
  workloads: readonly Resource<WorkloadEntry>[],
  report: Report,
): readonly WorkloadEntry[] | undefined {
  const { endpoints, workloadSelector, resolution } = service.spec;
  if (endpoints !== undefined) return endpoints;
  if (workloadSelector === undefined) return resolution === "STATIC" ? [] : undefined;
  const wanted = Object.entries(workloadSelector.labels ?? {});
  const selected = workloads.filter(
    (w) =>
      w.namespace === service.namespace &&
      wanted.every(([key, value]) => labelled(w).labels?.[key] === value),
  );
  if (selected.length === 0) {
    const labels = wanted.map(([key, value]) => `${key}: ${value}`).join(", ");
    const message = `No WorkloadEntry of the namespace "${service.namespace}" has the labels {${labels}}: requests are answered 503.`;
    report.warning(service, ["spec", "workloadSelector"], message);
  }
  return selected.filter((w) => hasAddress(w, service, report)).map(labelled);
}

/** A static endpoint is an address: one name among them would make Envoy refuse all of them. */
function hasAddress(
  workload: Resource<WorkloadEntry>,
  service: Resource<ServiceEntrySpec>,
  report: Report,
): boolean {
  const { address } = workload.spec;
  if (service.spec.resolution !== "STATIC" || isIP(address) !== 0 || address.startsWith("unix://"))
    return true;
  const by = `${identity(service)} (${place(service)})`;
  report.error(
    workload,
    ["spec", "address"],
    `"${address}" is a name, and ${by}, which selects it, has \`resolution: STATIC\`. Write an IP address, or \`resolution: DNS\` there.`,
  );
  return false;
}

const remembered = new WeakMap<object, WorkloadEntry>();

/** The labels of the resource count too; those of its spec come first. One object for each resource as it is. */
function labelled({ spec, labels }: Resource<WorkloadEntry>): WorkloadEntry {
  const known = remembered.get(spec);
  if (known !== undefined && sameLabels(known.labels, { ...labels, ...spec.labels })) return known;
  const entry = { ...spec, labels: { ...labels, ...spec.labels } };
  remembered.set(spec, entry);
  return entry;
}

const sameLabels = (a: object | undefined, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
