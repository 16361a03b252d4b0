// Envoy's metrics service on the wire: one method, a stream of flushes from each proxy.
//
// A flush holds every metric that the proxy has ever touched, most of which nobody here looks at: a family is
// decoded only after its name, which comes first in it, was found to be of interest.

import type { MethodDefinition } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Node } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import { StreamMetricsMessage_IdentifierSchema } from "../../build/envoy-api/envoy/service/metrics/v3/metrics_service_pb.ts";
import {
  type MetricFamily,
  MetricFamilySchema,
} from "../../build/envoy-api/io/prometheus/client/metrics_pb.ts";

export interface Flush {
  /** In the first flush of a stream only. */
  node: Node | undefined;
  families: readonly MetricFamily[];
}

export type StreamMetrics = MethodDefinition<Flush, void>;

/** The service, with the families that `isWanted` names. */
export function metricsService(isWanted: (family: string) => boolean): { StreamMetrics: StreamMetrics } {
  return {
    StreamMetrics: {
      path: "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
      requestStream: true,
      responseStream: false,
      originalName: "StreamMetrics",
      requestSerialize: () => {
        throw new Error("this side sends no metrics");
      },
      requestDeserialize: (bytes) => readFlush(bytes, isWanted),
      responseSerialize: () => Buffer.alloc(0),
      responseDeserialize: () => {},
    },
  };
}

/** StreamMetricsMessage: field 1 is the identifier, field 2 a family. */
export function readFlush(bytes: Uint8Array, isWanted: (family: string) => boolean): Flush {
  const reader = new BinaryReader(bytes);
  const families: MetricFamily[] = [];
  let node: Node | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) {
      node = fromBinary(StreamMetricsMessage_IdentifierSchema, reader.bytes()).node;
    } else if (field === 2 && wireType === WireType.LengthDelimited) {
      const family = reader.bytes();
      if (isWanted(nameOf(family))) families.push(fromBinary(MetricFamilySchema, family));
    } else {
      reader.skip(wireType, field);
    }
  }
  return { node, families };
}

function nameOf(family: Uint8Array): string {
  if (family.length === 0) return "";
  const reader = new BinaryReader(family);
  const [field, wireType] = reader.tag();
  return field === 1 && wireType === WireType.LengthDelimited ? reader.string() : "";
}
