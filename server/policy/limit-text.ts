// A rate limit in words, for explanations and lists: the rate, the key, and what a full bucket has left.

import type { RateLimit, RateLimitKeyPart } from "../../schema/generated/types.ts";

/** What an explanation knows of its request; names of headers in lower case. */
export interface KeyedRequest {
  headers: readonly (readonly [string, string])[];
  source: string;
}

/** Such as `3 per 1h, burst 6, by header uid = "a"; a full bucket has 5 left after this request`. */
export function limitText(limit: RateLimit, request?: KeyedRequest): string {
  const { requests, per, key, cost, overrides, enforce } = limit;
  const burst = limit.burst ?? requests;
  const parts = [`${requests} per ${per}`];
  if (burst !== requests) parts.push(`burst ${burst}`);
  if (key !== undefined) parts.push(`by ${key.map((part) => partText(part, request)).join(" and ")}`);
  if (cost !== undefined) parts.push(`cost from header ${cost.header}, at most ${cost.max ?? 1000}`);
  if (overrides !== undefined && overrides.length > 0)
    parts.push(`other rates for ${overrides.length} overrides`);
  if (enforce === false) parts.push("counted only");
  const left =
    cost === undefined && request !== undefined
      ? `; a full bucket has ${burst - 1} left after this request`
      : "";
  return parts.join(", ") + left;
}

function partText(part: RateLimitKeyPart, request: KeyedRequest | undefined): string {
  const [name, value] = describe(part, request);
  return request === undefined
    ? name
    : `${name} ${value === undefined ? "(absent)" : `= ${JSON.stringify(value)}`}`;
}

/** The part's name and the request's value, where it has one. */
function describe(part: RateLimitKeyPart, request: KeyedRequest | undefined): [string, string | undefined] {
  const headerValue = (name: string): string | undefined => request?.headers.find(([n]) => n === name)?.[1];
  const path = headerValue(":path") ?? "";
  const { header, queryParam, cookie } = part;
  if (header !== undefined) {
    const name = header.toLowerCase();
    return [`header ${header}`, headerValue(name === "host" ? ":authority" : name)];
  }
  if (queryParam !== undefined) {
    const pairs = (path.split("#")[0]?.split("?").slice(1).join("?") ?? "")
      .split("&")
      .map((pair) => pair.split("="));
    const pair = pairs.find(([name]) => name === queryParam);
    return [`query parameter ${queryParam}`, pair?.slice(1).join("=")];
  }
  if (cookie !== undefined) {
    const crumbs = (headerValue("cookie") ?? "").split(";").map((crumb) => crumb.trim().split("="));
    const crumb = crumbs.find(([name, ...rest]) => name === cookie && rest.length > 0);
    return [`cookie ${cookie}`, crumb?.slice(1).join("=")];
  }
  if (part.path !== undefined) return ["path", path.split(/[?#]/)[0]];
  if (part.method !== undefined) return ["method", headerValue(":method")];
  return ["client address", request === undefined || request.source === "" ? undefined : request.source];
}
