// The faults of VirtualServices as FaultPolicies, each on its own route. Istio's defaults hold: without a percentage
// no request is hit. Delay and abort are two faults, since each has a percentage of its own.

import type {
  Fault,
  FaultSpec,
  HttpFaultInjection,
  IstioPercent,
  VirtualServiceSpec,
} from "../../schema/generated/types.ts";
import { delegatesOf, isDelegate, type WrittenRoute, writtenAt, writtenRoutes } from "../istio/delegates.ts";
import { isIstio, networkingGroup } from "../istio/registry.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "./kinds.ts";

/** The resources, and a policy for every route with a fault. */
export function withIstioFaults(resources: readonly Resource[]): readonly Resource[] {
  const all = resources.filter((r) => isIstio<VirtualServiceSpec>(r, "VirtualService"));
  if (all.every(({ spec }) => (spec.http ?? []).every(({ fault }) => fault === undefined))) return resources;
  const delegates = delegatesOf(all);
  const roots = all.filter((r) => !isDelegate(r));
  const found = roots.flatMap((root) =>
    writtenRoutes(root, delegates).flatMap((written) => faultsOf(root, written)),
  );
  return [...resources, ...found];
}

function faultsOf(root: Resource<VirtualServiceSpec>, written: WrittenRoute): Resource<FaultSpec>[] {
  const { http, name } = written;
  if (http.fault === undefined) return [];
  const at = writtenAt(written, "fault");
  // The name that is made for a route begins with those of namespace and VirtualService.
  const isMade = name.startsWith(`${root.namespace}.${root.name}~`);
  const own = isMade ? name.slice(root.namespace.length + 1) : `${root.name}.${name}`;
  const path = ["spec", "http", at.index, "fault"] as const;
  return [
    {
      ...root,
      group: policyGroup,
      version: "v1alpha1",
      kind: "FaultPolicy",
      name: own,
      spec: {
        targetRefs: [{ group: networkingGroup, kind: "VirtualService", name: root.name, sectionName: name }],
        faults: compile(http.fault),
      },
      position: () => at.resource.position(path),
    },
  ];
}

function compile({ delay, abort }: HttpFaultInjection): Fault[] {
  const faults: Fault[] = [];
  if (delay !== undefined) {
    const percentage = delay.percent ?? percentOf(delay.percentage);
    faults.push({ name: "delay", percentage, delay: { fixed: delay.fixedDelay } });
  }
  if (abort !== undefined) {
    const { percentage, ...answer } = abort;
    faults.push({ name: "abort", percentage: percentOf(percentage), abort: answer });
  }
  return faults;
}

const percentOf = (percentage: IstioPercent | undefined): number | string => percentage?.value ?? 0;
