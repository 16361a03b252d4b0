// A snapshot as the static part of one Envoy configuration: what would come over xDS is put in the place that
// asks for it. Field names are those of Envoy's documentation (snake_case).

import { type DescMessage, fromBinary, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../../build/envoy-api/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../../../build/envoy-api/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../../build/envoy-api/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../../build/envoy-api/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../../build/envoy-api/envoy/config/route/v3/route_pb.ts";
import { SecretSchema } from "../../../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { packedTypes } from "../../istio/wire.ts";
import { type Snapshot, type TypeUrl, typeUrls } from "../../model.ts";

export interface StaticResources extends JsonObject {
  listeners: JsonObject[];
  clusters: JsonObject[];
  secrets: JsonObject[];
}

/** @param filters by name, in place of those that the snapshot carries. */
export function staticResources(
  snapshot: Snapshot,
  filters: Readonly<Record<string, JsonObject>> = {},
): StaticResources {
  const routes = asJson(snapshot, typeUrls.routes, RouteConfigurationSchema);
  const endpoints = asJson(snapshot, typeUrls.endpoints, ClusterLoadAssignmentSchema);
  const extensions = asJson(snapshot, typeUrls.extension, TypedExtensionConfigSchema);
  const inPlace: Rewrite = (object) => {
    const { rds, eds_cluster_config: eds, config_discovery: discovery, ...rest } = object;
    if (rds !== undefined)
      return { ...rest, route_config: required(routes, nameIn(rds, "route_config_name"), "routes") };
    if (eds !== undefined) {
      const assignment = required(endpoints, String(object.name), "endpoints");
      return { ...rest, type: "STATIC", load_assignment: assignment };
    }
    if (discovery !== undefined) {
      const name = String(object.name);
      const extension = filters[name] ?? required(extensions, name, "filter").typed_config;
      return { ...rest, typed_config: extension ?? null };
    }
    // A secret that is only named is looked for among the static ones.
    if (object.sds_config !== undefined) return { name: object.name ?? "" };
    return object;
  };
  const rewritten = (typeUrl: TypeUrl, schema: DescMessage): JsonObject[] =>
    [...asJson(snapshot, typeUrl, schema).values()].map((json) => rewrite(json, inPlace) as JsonObject);
  return {
    listeners: rewritten(typeUrls.listener, ListenerSchema),
    clusters: rewritten(typeUrls.cluster, ClusterSchema),
    secrets: rewritten(typeUrls.secret, SecretSchema),
  };
}

function asJson(snapshot: Snapshot, typeUrl: TypeUrl, schema: DescMessage): Map<string, JsonObject> {
  const options = { registry: packedTypes, useProtoFieldName: true };
  const resources = [...(snapshot.resources.get(typeUrl)?.values() ?? [])];
  return new Map(
    resources.map(({ name, value }) => [
      name,
      toJson(schema, fromBinary(schema, value), options) as JsonObject,
    ]),
  );
}

type Rewrite = (object: JsonObject) => JsonObject;

/** From the outside in, so that what is put in place is looked through too. */
function rewrite(value: JsonValue, change: Rewrite): JsonValue {
  if (Array.isArray(value)) return value.map((one) => rewrite(one, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(change(value)).map(([key, one]) => [key, rewrite(one, change)]));
}

function required(map: ReadonlyMap<string, JsonObject>, name: string, what: string): JsonObject {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the snapshot has no ${what} ${name}`);
  return found;
}

const nameIn = (value: JsonValue, key: string): string =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? String(value[key]) : "";
