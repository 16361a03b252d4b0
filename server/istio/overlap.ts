// Whether one request can match both of two conditions: what decides if two VirtualServices can be merged.
//
// The answer errs towards "yes": conditions are apart only where that is certain. Headers never keep them
// apart (a client may send a header twice, with both values), except where one asks for a header that the
// other forbids.

import { RE2JS } from "re2js";
import type { HttpMatchRequest, IstioStringMatch } from "../../schema/generated/types.ts";

export function canBothMatch(a: HttpMatchRequest | undefined, b: HttpMatchRequest | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  if (!urisOverlap(a, b) || placesApart(a, b)) return false;
  const single = [
    [a.method, b.method],
    [a.authority, b.authority],
    [a.scheme, b.scheme],
    ...Object.keys(a.queryParams ?? {}).map((name) => [a.queryParams?.[name], b.queryParams?.[name]]),
  ];
  if (single.some(([x, y]) => x !== undefined && y !== undefined && !textsOverlap(x, y))) return false;
  return !forbids(a, b) && !forbids(b, a);
}

/** For different ports, callers or Gateways. */
function placesApart(a: HttpMatchRequest, b: HttpMatchRequest): boolean {
  const differ = <T>(x: T | undefined, y: T | undefined): boolean =>
    x !== undefined && y !== undefined && x !== y;
  if (differ(a.port, b.port)) return true;
  const short = (names: readonly string[] = []): string[] => names.map((name) => name.replace(/^.*\//, ""));
  const [here, there] = [short(a.gateways), short(b.gateways)];
  if (here.length > 0 && there.length > 0) return !here.some((name) => there.includes(name));
  // Where Gateways are named, callers do not count.
  if (here.length > 0 || there.length > 0) return false;
  const labels = Object.entries(a.sourceLabels ?? {});
  return (
    differ(a.sourceNamespace, b.sourceNamespace) ||
    labels.some(([key, value]) => differ(value, b.sourceLabels?.[key]))
  );
}

function urisOverlap(a: HttpMatchRequest, b: HttpMatchRequest): boolean {
  if (a.uri === undefined || b.uri === undefined) return true;
  const ignoreCase = a.ignoreUriCase === true || b.ignoreUriCase === true;
  return ignoreCase ? textsOverlap(lower(a.uri), lower(b.uri)) : textsOverlap(a.uri, b.uri);
}

/** A regex keeps its case in Envoy, whatever ignoreUriCase says, so that folding it tells nothing. */
function lower(m: IstioStringMatch): IstioStringMatch {
  if (m.exact !== undefined) return { exact: m.exact.toLowerCase() };
  return m.prefix !== undefined ? { prefix: m.prefix.toLowerCase() } : {};
}

/** For texts of which a request has one only. */
function textsOverlap(a: IstioStringMatch, b: IstioStringMatch): boolean {
  if (a.exact !== undefined) return holds(b, a.exact);
  if (b.exact !== undefined) return holds(a, b.exact);
  if (a.prefix !== undefined && b.prefix !== undefined) {
    return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
  }
  return true;
}

function holds(m: IstioStringMatch, text: string): boolean {
  if (m.exact !== undefined) return m.exact === text;
  if (m.prefix !== undefined) return text.startsWith(m.prefix);
  return m.regex === undefined || RE2JS.matches(m.regex, text);
}

/** `a` asks for a header that `b` forbids outright. */
function forbids(a: HttpMatchRequest, b: HttpMatchRequest): boolean {
  return Object.entries(b.withoutHeaders ?? {}).some(([name, forbidden]) => {
    const wanted = a.headers?.[name];
    if (wanted === undefined) return false;
    if (Object.keys(forbidden).length === 0) return true;
    if (wanted.exact !== undefined) return holds(forbidden, wanted.exact);
    return forbidden.prefix !== undefined && wanted.prefix?.startsWith(forbidden.prefix) === true;
  });
}
