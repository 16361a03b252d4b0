// Small pieces that many of Envoy's messages are made of.

import {
  create,
  createMutableRegistry,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, AnySchema, type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { type Address, AddressSchema } from "../../build/envoy-api/envoy/config/core/v3/address_pb.ts";
import { ApiVersion } from "../../build/envoy-api/envoy/config/core/v3/config_source_pb.ts";
import { durationNs } from "../../schema/values.ts";

/** Fields of a message, to be put together with others before it is made. */
export type Fields<Desc extends DescMessage> = Exclude<MessageInitShape<Desc>, MessageShape<Desc>>;

/** Every type that was packed so far: what is needed to write an Any as JSON. */
export const packedTypes = createMutableRegistry();

export function pack<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  packedTypes.add(schema);
  return create(AnySchema, {
    typeUrl: `type.googleapis.com/${schema.typeName}`,
    value: toBinary(schema, message),
  });
}

/** From a duration as written in YAML, such as `1.5s`. */
export function duration(text: string): Duration {
  const ns = durationNs(text);
  return create(DurationSchema, { seconds: ns / 1_000_000_000n, nanos: Number(ns % 1_000_000_000n) });
}

export const seconds = (count: number): Duration =>
  create(DurationSchema, { seconds: BigInt(count), nanos: 0 });

export const socketAddress = (address: string, port: number): Address =>
  create(AddressSchema, {
    address: {
      case: "socketAddress",
      value: { address, portSpecifier: { case: "portValue", value: port } },
    },
  });

/** Resources that come over the one aggregated stream. */
export const overAds = {
  resourceApiVersion: ApiVersion.V3,
  configSourceSpecifier: { case: "ads", value: {} },
} as const;
