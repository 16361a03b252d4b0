// Where the instances of a service are, in Envoy's messages: by locality, with weights and priorities.

import { create } from "@bufbuild/protobuf";
import { type Address, AddressSchema } from "../../build/envoy-api/envoy/config/core/v3/address_pb.ts";
import {
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpointsSchema,
} from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import type { ServicePort, Subset, WorkloadEntry } from "../../schema/generated/types.ts";
import type { LocalityGroup } from "./locality.ts";
import type { Service } from "./registry.ts";
import { type Fields, socketAddress } from "./wire.ts";

/** Those of a subset. Where the names of the hosts themselves are looked up, subsets make no difference. */
export function entriesOf(service: Service, subset: Subset | undefined): readonly WorkloadEntry[] {
  const { endpoints } = service;
  if (endpoints === undefined) return [{ address: service.host }];
  const wanted = Object.entries(subset?.labels ?? {});
  return endpoints.filter((entry) => wanted.every(([key, value]) => entry.labels?.[key] === value));
}

export const loadAssignment = (
  clusterName: string,
  groups: readonly LocalityGroup[],
  port: ServicePort,
): ClusterLoadAssignment =>
  create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: groups.map((group) => localityEndpoints(group, port)),
  });

const localityEndpoints = (
  { locality, entries, weight, priority }: LocalityGroup,
  port: ServicePort,
): Fields<typeof LocalityLbEndpointsSchema> => ({
  locality: { region: locality.region, zone: locality.zone, subZone: locality.subZone },
  lbEndpoints: entries.map((entry) => lbEndpoint(entry, port)),
  loadBalancingWeight: weight,
  priority,
});

const lbEndpoint = (entry: WorkloadEntry, port: ServicePort): LbEndpoint =>
  create(LbEndpointSchema, {
    hostIdentifier: { case: "endpoint", value: { address: addressOf(entry, port) } },
    loadBalancingWeight: entry.weight || 1,
  });

const unix = "unix://";

function addressOf(entry: WorkloadEntry, port: ServicePort): Address {
  if (!entry.address.startsWith(unix)) {
    return socketAddress(entry.address, entry.ports?.[port.name] ?? port.targetPort ?? port.number);
  }
  const path = entry.address.slice(unix.length);
  return create(AddressSchema, { address: { case: "pipe", value: { path } } });
}
