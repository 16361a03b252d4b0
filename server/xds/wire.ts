// The discovery service on the wire: its two methods, requests read into the state machine's form, and
// responses written. A resource is encoded once, whatever the number of streams that it goes to.

import type { MethodDefinition } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Node } from "../../build/envoy-api/envoy/config/core/v3/base_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../build/envoy-api/envoy/service/discovery/v3/discovery_pb.ts";
import { type TypeUrl, typeUrls, type XdsResource } from "../model.ts";
import type { DiscoveryRequest, DiscoveryResponse, Variant } from "./protocol.ts";

export interface WireRequest {
  /** Present at least in the first request of a stream. */
  node: Node | undefined;
  /** Undefined for a type that this server does not have, or for a text that is no type. */
  request: DiscoveryRequest | undefined;
}

type Method = MethodDefinition<WireRequest, DiscoveryResponse>;

const service = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

export const aggregatedDiscoveryService: {
  StreamAggregatedResources: Method;
  DeltaAggregatedResources: Method;
} = {
  StreamAggregatedResources: method("StreamAggregatedResources", readSotwRequest, "sotw"),
  DeltaAggregatedResources: method("DeltaAggregatedResources", readDeltaRequest, "delta"),
};

function method(name: string, read: (bytes: Uint8Array) => WireRequest, variant: Variant): Method {
  return {
    path: `${service}/${name}`,
    requestStream: true,
    responseStream: true,
    originalName: name,
    requestSerialize: () => {
      throw new Error("this side sends no discovery requests");
    },
    requestDeserialize: read,
    responseSerialize: (response) => Buffer.from(writeResponse(response, variant)),
    responseDeserialize: () => {
      throw new Error("this side receives no discovery responses");
    },
  };
}

export function readSotwRequest(bytes: Uint8Array): WireRequest {
  const message = fromBinary(DiscoveryRequestSchema, bytes);
  const typeUrl = knownType(message.typeUrl);
  if (!typeUrl) return { node: message.node, request: undefined };
  const request: DiscoveryRequest = {
    typeUrl,
    nonce: message.responseNonce,
    names: message.resourceNames,
    versionInfo: message.versionInfo,
  };
  if (message.errorDetail) request.error = message.errorDetail.message;
  return { node: message.node, request };
}

export function readDeltaRequest(bytes: Uint8Array): WireRequest {
  const message = fromBinary(DeltaDiscoveryRequestSchema, bytes);
  const typeUrl = knownType(message.typeUrl);
  if (!typeUrl) return { node: message.node, request: undefined };
  const request: DiscoveryRequest = {
    typeUrl,
    nonce: message.responseNonce,
    subscribe: message.resourceNamesSubscribe,
    unsubscribe: message.resourceNamesUnsubscribe,
    initialVersions: message.initialResourceVersions,
  };
  if (message.errorDetail) request.error = message.errorDetail.message;
  return { node: message.node, request };
}

function knownType(text: string): TypeUrl | undefined {
  return Object.values(typeUrls).find((typeUrl) => typeUrl === text);
}

/** DiscoveryResponse or DeltaDiscoveryResponse, whose field numbers differ only where stated. */
export function writeResponse(response: DiscoveryResponse, variant: Variant): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(response.version);
  for (const resource of response.resources) {
    writer
      .tag(2, WireType.LengthDelimited)
      .bytes(variant === "delta" ? deltaResource(resource) : anyOf(resource));
  }
  writer.tag(4, WireType.LengthDelimited).string(response.typeUrl);
  writer.tag(5, WireType.LengthDelimited).string(response.nonce);
  // Field 6 is `control_plane` in the state of the world.
  if (variant === "delta") {
    for (const name of response.removed) writer.tag(6, WireType.LengthDelimited).string(name);
  }
  return writer.finish();
}

const anys = new WeakMap<XdsResource, Uint8Array>();
const deltaResources = new WeakMap<XdsResource, Uint8Array>();

function anyOf(resource: XdsResource): Uint8Array {
  return remember(anys, resource, (writer) => {
    writer.tag(1, WireType.LengthDelimited).string(resource.typeUrl);
    writer.tag(2, WireType.LengthDelimited).bytes(resource.value);
  });
}

function deltaResource(resource: XdsResource): Uint8Array {
  return remember(deltaResources, resource, (writer) => {
    writer.tag(1, WireType.LengthDelimited).string(resource.version);
    writer.tag(2, WireType.LengthDelimited).bytes(anyOf(resource));
    writer.tag(3, WireType.LengthDelimited).string(resource.name);
  });
}

function remember(
  cache: WeakMap<XdsResource, Uint8Array>,
  resource: XdsResource,
  write: (writer: BinaryWriter) => void,
): Uint8Array {
  const known = cache.get(resource);
  if (known) return known;
  const writer = new BinaryWriter();
  write(writer);
  const bytes = writer.finish();
  cache.set(resource, bytes);
  return bytes;
}
