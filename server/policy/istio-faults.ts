// The faults of VirtualServices as FaultPolicies, each on its own route. Istio's defaults hold: without a percentage
// no request is hit. Delay and abort are two faults, since each has a percentage of its own.

import type {
  Fault,
  FaultSpec,
  HttpFaultInjection,
  IstioPercent,
  VirtualServiceSpec,
} from "../../schema/generated/types.ts";
import { isIstio, networkingGroup } from "../istio/registry.ts";
import { sectionNames } from "../istio/routes.ts";
import type { Resource } from "../model.ts";
import { policyGroup } from "./kinds.ts";

/** The resources, and a policy for every route with a fault. */
export function withIstioFaults(resources: readonly Resource[]): readonly Resource[] {
  const found = resources
    .filter((resource) => isIstio<VirtualServiceSpec>(resource, "VirtualService"))
    .flatMap(faultsOf);
  return found.length === 0 ? resources : [...resources, ...found];
}

function faultsOf(resource: Resource<VirtualServiceSpec>): Resource<FaultSpec>[] {
  if (resource.spec.http.every(({ fault }) => fault === undefined)) return [];
  const sections = sectionNames(resource);
  return resource.spec.http.flatMap(({ fault }, index) => {
    if (fault === undefined) return [];
    const section = sections[index] ?? "";
    const isNamed = resource.spec.http[index]?.name === section;
    // The name that is made for a route begins with those of namespace and VirtualService.
    const own = isNamed ? `${resource.name}.${section}` : section.slice(resource.namespace.length + 1);
    const at = ["spec", "http", index, "fault"] as const;
    return {
      ...resource,
      group: policyGroup,
      version: "v1alpha1",
      kind: "FaultPolicy",
      name: own,
      spec: {
        targetRefs: [
          { group: networkingGroup, kind: "VirtualService", name: resource.name, sectionName: section },
        ],
        faults: compile(fault),
      },
      position: () => resource.position(at),
    };
  });
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
