// WorkloadEntry: one instance of a service, by itself or within a ServiceEntry.

import { integer, map, nonEmpty, type ObjectSchema } from "../language.ts";
import { labels, refused } from "./common.ts";

export const workloadEntrySpec: ObjectSchema = {
  type: "object",
  name: "WorkloadEntry",
  doc: "One instance of a service.",
  fields: {
    address: {
      schema: nonEmpty(256, "endpointAddress"),
      required: true,
      doc: "An IP address, or `unix://` and a socket's path; a host name where resolution is DNS.",
    },
    ports: {
      schema: map(integer(1, 65_535), 128, "name"),
      doc: "Port numbers by the port's name; default: the service's `targetPort`, else its `number`.",
    },
    labels: { schema: labels, doc: "What subsets and `workloadSelector` select by." },
    weight: {
      schema: integer(0, 4_294_967_295),
      doc: "Share of the requests, relative to the other endpoints; default: 1.",
    },
    locality: {
      schema: nonEmpty(2048, "locality"),
      doc: "`region/zone/subzone`, of which the latter may be absent; see `localityLbSetting`.",
    },
    network: {
      schema: nonEmpty(2048),
      doc: "The label `topology.istio.io/network` for `failoverPriority`; endpoints are reached directly all the same.",
    },
    serviceAccount: refused(
      "Identity of the workload.",
      "identities of workloads are not checked here; write `subjectAltNames` in the DestinationRule's `tls`",
    ),
  },
};
