// Requests recorded by others: a HAR file of a browser or proxy, or an access log with one JSON object per line, as
// our listeners write it or with the names that are common elsewhere.

import type { ExplainInput } from "../server/match/explain.ts";
import { readUrl } from "./url.ts";

export interface Recorded {
  requests: ExplainInput[];
  /** Lines or entries that hold no request, with the reason of the first. */
  skipped: number;
  firstSkipped?: string;
}

type Fields = Record<string, unknown>;

const anyone = "127.0.0.1";

export function readRecorded(text: string): Recorded {
  const har = text.trimStart().startsWith("{") ? harEntries(text) : undefined;
  const recorded: Recorded = { requests: [], skipped: 0 };
  const skip = (why: string): void => {
    recorded.skipped++;
    recorded.firstSkipped ??= why;
  };
  if (har !== undefined) {
    for (const [i, entry] of har.entries()) {
      const request = fromHar(entry);
      if (typeof request === "string") skip(`entry ${i + 1}: ${request}`);
      else recorded.requests.push(request);
    }
    return recorded;
  }
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const request = fromLine(line);
    if (typeof request === "string") skip(`line ${i + 1}: ${request}`);
    else recorded.requests.push(request);
  }
  return recorded;
}

/** The whole text is one object with a log; an access log is many. */
function harEntries(text: string): Fields[] | undefined {
  try {
    const { log } = JSON.parse(text) as { log?: { entries?: Fields[] } };
    return Array.isArray(log?.entries) ? log.entries : undefined;
  } catch {
    return undefined;
  }
}

function fromHar(entry: Fields): ExplainInput | string {
  const request = entry.request as { method?: string; url?: string; headers?: unknown } | undefined;
  if (typeof request?.url !== "string") return "it has no request.url";
  return input(request.method ?? "GET", request.url, headersOf(request.headers), entry.clientIPAddress);
}

/** Names of one thing, in the order in which they are looked for. */
const names = {
  method: ["method", ":method", "request_method", "requestMethod"],
  path: ["path", ":path", "uri", "request_uri", "request_path", "requestPath"],
  authority: ["authority", ":authority", "host", "http_host", "request_host"],
  url: ["url", "request_url", "requestUrl"],
  client: ["client", "remote_addr", "client_ip", "downstream_remote_address", "remoteIp"],
  userAgent: ["user_agent", "user-agent", "http_user_agent"],
};

function fromLine(line: string): ExplainInput | string {
  let fields: Fields;
  try {
    fields = JSON.parse(line) as Fields;
  } catch {
    return "it is no JSON object";
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return "it is no JSON object";
  const find = (of: keyof typeof names): string | undefined => {
    const found = names[of]
      .map((name) => fields[name])
      .find((value) => typeof value === "string" && value !== "");
    return found as string | undefined;
  };
  const [path, authority] = [find("path"), find("authority")];
  const url =
    find("url") ?? (authority !== undefined && path !== undefined ? `${authority}${path}` : undefined);
  if (url === undefined) return "it has neither a url nor authority and path";
  const headers = headersOf(fields.headers ?? fields.request_headers);
  const agent = find("userAgent");
  if (agent !== undefined && !headers.some(([name]) => name === "user-agent"))
    headers.push(["user-agent", agent]);
  return input(find("method") ?? "GET", url, headers, find("client"));
}

/** As HAR has them, or as an object of names and values. */
function headersOf(value: unknown): [string, string][] {
  if (typeof value !== "object" || value === null) return [];
  const pairs = Array.isArray(value)
    ? value.map(
        ({ name, value: text }: { name?: unknown; value?: unknown }) => [String(name), String(text)] as const,
      )
    : Object.entries(value).flatMap(([name, text]) =>
        [text].flat().map((one) => [name, String(one)] as const),
      );
  return pairs.map(([name, text]): [string, string] => [name.toLowerCase(), text]);
}

function input(
  method: string,
  address: string,
  headers: readonly [string, string][],
  client: unknown,
): ExplainInput | string {
  if (!/^(https?:\/\/)?[^/?#]+/i.test(address)) return `not a URL: ${address}`;
  const url = readUrl(address);
  const authority = headers.find(([name]) => name === "host" || name === ":authority")?.[1] ?? url.authority;
  return {
    method: method.toUpperCase(),
    scheme: url.scheme,
    authority,
    path: url.path,
    headers: headers.filter(([name]) => name !== "host" && !name.startsWith(":")),
    sourceIp: typeof client === "string" && /^[\d.]+$|^[\da-f:]+$/i.test(client) ? client : anyone,
    port: url.port,
  };
}
