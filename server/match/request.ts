// A request as it reaches the route table: names in lower case, all texts as byte strings (one char a byte),
// which is what Envoy compares.

export interface MatchRequest {
  method: string;
  scheme: string;
  authority: string;
  /** With the query. */
  path: string;
  /** Without pseudo headers; repeated names stay apart. */
  headers: readonly (readonly [string, string])[];
}

/** A text's UTF-8 as a byte string. */
export const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

export const text = (byteString: string): string => Buffer.from(byteString, "latin1").toString("utf8");

/** Every value of a header, in order; `host` and the pseudo headers are Envoy's names for the request line. */
export function headerValues(request: MatchRequest, name: string): string[] {
  switch (name.toLowerCase()) {
    case ":method":
      return [request.method];
    case ":scheme":
      return [request.scheme];
    case ":authority":
    case "host":
      return [request.authority];
    case ":path":
      return [request.path];
    default:
      return request.headers.filter(([n]) => n === name.toLowerCase()).map(([, value]) => value);
  }
}

/** The path without query and fragment. */
export function pathOnly(request: MatchRequest): string {
  const end = request.path.search(/[?#]/);
  return end < 0 ? request.path : request.path.slice(0, end);
}

/** The first value of each query parameter, as written. */
export function queryParameters(request: MatchRequest): Map<string, string> {
  const parameters = new Map<string, string>();
  const start = request.path.indexOf("?");
  if (start < 0) return parameters;
  const end = request.path.indexOf("#", start);
  const query = request.path.slice(start + 1, end < 0 ? undefined : end);
  for (const part of query.split("&")) {
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    if (!parameters.has(name)) parameters.set(name, equals < 0 ? "" : part.slice(equals + 1));
  }
  return parameters;
}
