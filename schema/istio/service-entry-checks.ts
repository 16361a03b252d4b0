// What the declaration cannot say of a ServiceEntry: fields that must agree with each other.

import { isIP } from "node:net";
import type { Tell } from "../checks.ts";
import type { ServiceEntrySpec } from "../generated/types.ts";
import { closest } from "../suggest.ts";

export function serviceEntry(spec: ServiceEntrySpec, tell: Tell): void {
  resolution(spec, tell);
  hosts(spec, tell);
  portNames(spec, tell);
  endpoints(spec, tell);
  for (const [i, address] of (spec.addresses ?? []).entries()) {
    if (address.includes("/"))
      tell(
        "error",
        ["addresses", i],
        "a range of addresses is no name of a service here; write single addresses",
      );
  }
}

function resolution(
  { resolution = "NONE", endpoints, workloadSelector }: ServiceEntrySpec,
  tell: Tell,
): void {
  const count = endpoints?.length ?? 0;
  if (resolution === "STATIC" && count === 0 && workloadSelector === undefined)
    tell(
      "error",
      ["resolution"],
      "STATIC needs `endpoints` with their addresses, or a `workloadSelector`; write them, or `resolution: DNS`",
    );
  if (resolution === "DNS_ROUND_ROBIN" && count > 1)
    tell(
      "error",
      ["endpoints"],
      "DNS_ROUND_ROBIN looks one name up; write one endpoint or none, or `resolution: DNS`",
    );
  if (resolution !== "NONE" && resolution !== "DYNAMIC_DNS") return;
  if (count > 0 || workloadSelector !== undefined)
    tell(
      "error",
      [count > 0 ? "endpoints" : "workloadSelector"],
      `with \`resolution: ${resolution}\` the address is the one that the client asks for; write STATIC or DNS, or remove this`,
    );
}

function hosts({ hosts, ports, resolution = "NONE" }: ServiceEntrySpec, tell: Tell): void {
  for (const [i, host] of hosts.entries()) {
    if (host === "*")
      tell(
        "error",
        ["hosts", i],
        "a `*` alone would take every request; name a domain, such as *.example.com",
      );
    else if (host.includes("*") && resolution !== "NONE" && resolution !== "DYNAMIC_DNS")
      tell(
        "error",
        ["hosts", i],
        `"${host}" is a pattern, and ${resolution} needs one name; write it, or \`resolution: DYNAMIC_DNS\``,
      );
  }
  const isPattern = hosts.some((host) => host.includes("*"));
  for (const [i, { protocol = "HTTP" }] of ports.entries()) {
    if (isPattern && !["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].includes(protocol))
      tell(
        "error",
        ["ports", i, "protocol"],
        `the name that is looked up is a request's, and ${protocol} has none; write HTTP, HTTP2 or GRPC, or single hosts`,
      );
  }
}

function portNames({ ports }: ServiceEntrySpec, tell: Tell): void {
  const names = ports.map((port) => port.name);
  for (const [i, name] of names.entries())
    if (names.indexOf(name) < i)
      tell(
        "error",
        ["ports", i, "name"],
        `"${name}" is already the name of \`ports[${names.indexOf(name)}]\`; each port needs its own`,
      );
}

const maxWeights = 4_294_967_295;

function endpoints({ ports, endpoints = [], resolution }: ServiceEntrySpec, tell: Tell): void {
  const names = ports.map((port) => port.name);
  for (const [i, { address, ports: own = {} }] of endpoints.entries()) {
    const isSocket = address.startsWith("unix://");
    if (resolution === "STATIC" && isIP(address) === 0 && !isSocket)
      tell(
        "error",
        ["endpoints", i, "address"],
        `"${address}" is a name, and STATIC needs an IP address; write one, or \`resolution: DNS\``,
      );
    if (resolution !== "STATIC" && isSocket)
      tell("error", ["endpoints", i, "address"], "a socket's path needs `resolution: STATIC`");
    for (const name of Object.keys(own)) {
      if (isSocket)
        tell("error", ["endpoints", i, "ports", name], "a socket's path has no ports; remove them");
      if (names.includes(name)) continue;
      const near = closest(name, names);
      const instead = near === undefined ? `the ports are ${names.join(", ")}` : `did you mean ${near.word}?`;
      tell("error", ["endpoints", i, "ports", name], `no port of the service is named "${name}"; ${instead}`);
    }
  }
  if (endpoints.reduce((sum, { weight }) => sum + (weight || 1), 0) > maxWeights)
    tell("error", ["endpoints"], `the weights add up to more than ${maxWeights}; write smaller ones`);
}
