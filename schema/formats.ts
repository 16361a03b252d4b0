// The forms of texts: what each format of the language accepts, and how to say what is wrong.

import { isIP } from "node:net";
import { RE2JS } from "re2js";
import { checkCidr } from "./cidr.ts";
import { closest } from "./suggest.ts";
import type { StringFormat } from "./language.ts";

/** What is wrong with a text and what would be right; undefined when it has the form. */
export function checkFormat(format: StringFormat, text: string): string | undefined {
  return checks[format](text);
}

const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
const tokenCharacters = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const dnsName = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*$/;

const checks: Record<StringFormat, (text: string) => string | undefined> = {
  headerName,
  headerValue,
  token: (text) =>
    tokenCharacters.test(text)
      ? undefined
      : `${quoted(text)} may hold letters, digits and !#$%&'*+.^_\`|~- only`,
  name: (text) =>
    /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text)
      ? undefined
      : `${quoted(text)} is not a name; letters, digits, dashes, dots and underscores only, letters or digits at both ends`,
  host,
  hostPattern,
  gatewayHost,
  gatewayName: (text) =>
    /^([a-z0-9-]+\/)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)
      ? undefined
      : `${quoted(text)} is not a gateway; write its name, \`namespace/name\`, or mesh`,
  namespaceScope: (text) =>
    /^([.*~]|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/.test(text)
      ? undefined
      : `${quoted(text)} is not a namespace; write a namespace's name, "." for the resource's own, "*" for all`,
  address: (text) =>
    isIP(text) !== 0 || dnsName.test(text)
      ? undefined
      : `${quoted(text)} is neither an IP address nor a host name${text.includes(":") ? "; ports belong in `ports`" : ""}`,
  endpointAddress: (text) => (text.startsWith("unix://") ? socketPath(text) : checks.address(text)),
  locality,
  statusRange,
  regex,
  cidr: checkCidr,
  subnet,
  path: (text) => (text.startsWith("/") ? undefined : `${quoted(text)} must begin with /`),
  base64: (text) =>
    /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? undefined : "is not base64",
  retryOn,
};

function headerName(text: string): string | undefined {
  if (text.startsWith(":"))
    return `${quoted(text)} is part of the request line, not a header; use uri, method, scheme or authority`;
  if (tokenCharacters.test(text)) return undefined;
  const trimmed = text.trim().replace(/:$/, "");
  const instead = trimmed !== text && tokenCharacters.test(trimmed) ? `; write ${quoted(trimmed)}` : "";
  return `${quoted(text)} is not a header name${instead}`;
}

function headerValue(text: string): string | undefined {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if ((code < 32 && code !== 9) || code === 127)
      return "a header's value may hold no line break or other control character";
  }
  return text.trim() === text ? undefined : "a header's value may not begin or end with a space";
}

function host(text: string): string | undefined {
  if (text.includes("*")) return `${quoted(text)} is a pattern; one host's name is expected here`;
  if (dnsName.test(text) || isIP(text) !== 0) return undefined;
  return notAHost(text);
}

function notAHost(text: string): string {
  const url = /^[a-z]+:\/\/([^/:]+)/.exec(text);
  if (url !== null) return `${quoted(text)} is a URL; write the host alone: ${url[1]}`;
  const port = /^([A-Za-z0-9.-]+):\d+$/.exec(text);
  if (port !== null) return `${quoted(text)} has a port; write the host alone: ${port[1]}`;
  return `${quoted(text)} is not a host name; letters, digits, dashes and dots only`;
}

function hostPattern(text: string): string | undefined {
  if (text === "*" || dnsName.test(text) || isIP(text) !== 0) return undefined;
  if (text.startsWith("*.") && dnsName.test(text.slice(2))) return undefined;
  if (text.includes("*")) return `${quoted(text)}: a * may stand alone or in front, as in "*.example.com"`;
  return notAHost(text);
}

function gatewayHost(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash < 0 || text.includes("://")) return hostPattern(text);
  return checks.namespaceScope(text.slice(0, slash)) ?? hostPattern(text.slice(slash + 1));
}

/** As Istio reads it: a range, whatever its host bits, or one address. */
function subnet(text: string): string | undefined {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (version !== 0 && isRange && rest.length === 0) return undefined;
  return `${quoted(text)} is not a range of addresses; write it as "10.1.0.0/16", or one address`;
}

/** A file, or with @ in front Linux's abstract name. */
const socketPath = (text: string): string | undefined =>
  /^unix:\/\/[/@]./.test(text)
    ? undefined
    : `${quoted(text)} is not a socket's path; write unix:///run/app.sock, or unix://@name`;

function locality(text: string): string | undefined {
  const parts = text.split("/");
  if (parts.length <= 3 && parts.every((part) => part !== "" && !part.includes("*"))) return undefined;
  return `${quoted(text)} is not a locality; write region, region/zone or region/zone/subzone`;
}

function statusRange(text: string): string | undefined {
  const [, from, to] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
  if (from === undefined)
    return `${quoted(text)} is not a status; write one such as 204, or a range such as 200-299`;
  return to === undefined || from <= to ? undefined : `${quoted(text)} ends before it begins`;
}

/** RE2 as Envoy has it: on bytes, so that no character above 0xFF can be named. */
function regex(text: string): string | undefined {
  const large = [...text.matchAll(/\\x\{([0-9a-fA-F]+)\}/g)].find(
    ([, hex = ""]) => Number.parseInt(hex, 16) > 0xff,
  );
  if (large !== undefined)
    return `${large[0]} is above \\x{ff}, and Envoy matches bytes; write the character's UTF-8 bytes, such as \\xc3\\xa9`;
  try {
    RE2JS.compile(text);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const lookAround = /\(\?<?[=!]/.test(text);
    const backReference = /\\[1-9]/.test(text);
    if (lookAround) return `${quoted(text)} uses look-around, which RE2 does not have; say it without`;
    if (backReference)
      return `${quoted(text)} uses a back-reference, which RE2 does not have; say it without`;
    return `${quoted(text)} is not an RE2 expression: ${reason}`;
  }
}

/** Envoy's conditions for x-envoy-retry-on and x-envoy-retry-grpc-on. */
const retryConditions = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

function retryOn(text: string): string | undefined {
  for (const word of text.split(",").map((part) => part.trim())) {
    if (retryConditions.includes(word) || /^[1-5]\d\d$/.test(word)) continue;
    const near = closest(word, retryConditions);
    const instead =
      near === undefined ? `known are ${retryConditions.join(", ")}` : `did you mean ${near.word}?`;
    return `${quoted(word)} is not a condition for retries; ${instead}`;
  }
  return undefined;
}
