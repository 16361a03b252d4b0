// The Gateway API's resources of a folder.

import type {
  ApiGatewaySpec,
  GrpcRouteSpec,
  HttpRouteSpec,
  ReferenceGrantSpec,
} from "../../schema/generated/types.ts";
import { gatewayApiGroup } from "../../schema/kinds.ts";
import type { Resource } from "../model.ts";

export type ApiGateway = Resource<ApiGatewaySpec>;
export type HttpRouteResource = Resource<HttpRouteSpec>;
export type GrpcRouteResource = Resource<GrpcRouteSpec>;
export type ApiRoute = HttpRouteResource | GrpcRouteResource;

export function isGatewayApi<Spec>(r: Resource, kind: string): r is Resource<Spec> {
  return r.group === gatewayApiGroup && r.kind === kind;
}

export const isHttpRoute = (r: Resource): r is HttpRouteResource => isGatewayApi(r, "HTTPRoute");
export const isGrpcRoute = (r: Resource): r is GrpcRouteResource => isGatewayApi(r, "GRPCRoute");
export const isApiGateway = (r: Resource): r is ApiGateway => isGatewayApi(r, "Gateway");

export interface Reference {
  group: string;
  kind: string;
  namespace: string;
}

/** What ReferenceGrants allow. */
export class Grants {
  readonly #grants: readonly Resource<ReferenceGrantSpec>[];

  constructor(resources: readonly Resource[]) {
    this.#grants = resources.filter((r) => isGatewayApi<ReferenceGrantSpec>(r, "ReferenceGrant"));
  }

  /** Within a namespace nothing has to be allowed. */
  allow(from: Reference, to: Reference & { name: string }): boolean {
    if (from.namespace === to.namespace) return true;
    return this.#grants.some(
      ({ namespace, spec }) =>
        namespace === to.namespace &&
        spec.from.some(
          (f) => f.group === from.group && f.kind === from.kind && f.namespace === from.namespace,
        ) &&
        spec.to.some(
          (t) => t.group === to.group && t.kind === to.kind && (t.name === undefined || t.name === to.name),
        ),
    );
  }
}

/** What to write where a reference to another namespace is not allowed. */
export const missingGrant = (from: Reference, to: Reference & { name: string }): string =>
  `"${to.namespace}/${to.name}" is in another namespace, and no ReferenceGrant there allows it. Write one in the ` +
  `namespace "${to.namespace}" with from: [{group: ${JSON.stringify(from.group)}, kind: ${from.kind}, namespace: ` +
  `${from.namespace}}] and to: [{group: ${JSON.stringify(to.group)}, kind: ${to.kind}}].`;
