// Which value stands behind a property's path: what the test laid over a stream, then what the host knows by
// itself (request, response, xds, plugin), then filter state.

import { type Context, rootOf, type StreamContext } from "./context.ts";
import { HeaderMap } from "./header-map.ts";
import type { PropertyTree, PropertyValue } from "./types.ts";
import type { Vm } from "./vm.ts";

export function property(vm: Vm, path: readonly string[]): PropertyValue | undefined {
  const context = vm.acting();
  const given = context.kind === "stream" ? walk(context.properties, path) : undefined;
  if (given !== undefined) return given;
  const known = walk(tree(vm, context, path[0]), path);
  if (known !== undefined) return known;
  return context.kind === "stream" && path.length === 1 ? context.filterState.get(path[0] ?? "") : undefined;
}

function walk(tree: PropertyTree, path: readonly string[]): PropertyValue | undefined {
  let value: PropertyValue | undefined = tree;
  for (const part of path) {
    if (value === undefined) return undefined;
    if (value instanceof HeaderMap) {
      const lines: string[] = value.values(part);
      value = lines.length === 0 ? undefined : lines.join(",");
    } else if (Array.isArray(value)) value = /^\d+$/.test(part) ? value[Number(part)] : undefined;
    else if (typeof value !== "object" || value instanceof Uint8Array) return undefined;
    else value = Object.hasOwn(value, part) ? (value as PropertyTree)[part] : undefined;
  }
  return value;
}

/** Only the branch that is asked for is made: properties are read on every request. */
function tree(vm: Vm, context: Context, top: string | undefined): PropertyTree {
  const root = rootOf(context);
  switch (top) {
    case "plugin_name":
      return { plugin_name: root?.plugin.name };
    case "plugin_root_id":
      return { plugin_root_id: root?.plugin.rootId ?? "" };
    case "plugin_vm_id":
      return { plugin_vm_id: vm.process.options.vmId };
  }
  if (top === "xds")
    return { xds: { ...(context.kind === "stream" ? xds(context) : {}), node: vm.process.options.node } };
  if (context.kind !== "stream") return {};
  if (top === "request") return { request: request(vm, context) };
  if (top === "response") return { response: response(context) };
  return {};
}

function xds(context: StreamContext): PropertyTree {
  const route = context.route;
  return {
    route_name: route?.name,
    virtual_host_name: route?.virtualHost,
    cluster_name: route?.cluster,
    route_metadata: route?.metadata && { filter_metadata: route.metadata },
    virtual_host_metadata: route?.virtualHostMetadata && { filter_metadata: route.virtualHostMetadata },
  };
}

function request(vm: Vm, context: StreamContext): PropertyTree {
  const headers = context.requestHeaders ?? context.logged.request;
  const time = { time: vm.process.clock.wallNs, protocol: "HTTP/1.1" };
  if (headers === undefined) return time;
  const path = headers.get(":path");
  const question = path?.indexOf("?") ?? -1;
  return {
    ...time,
    headers,
    path,
    url_path: question < 0 ? path : path?.slice(0, question),
    query: question < 0 ? "" : path?.slice(question + 1),
    host: headers.get(":authority"),
    method: headers.get(":method"),
    scheme: headers.get(":scheme"),
    referer: headers.get("referer"),
    useragent: headers.get("user-agent"),
    id: headers.get("x-request-id"),
  };
}

function response(context: StreamContext): PropertyTree {
  const headers = context.responseHeaders ?? context.logged.response;
  const status = headers?.get(":status");
  return { headers, code: status === undefined ? undefined : BigInt(status) };
}
