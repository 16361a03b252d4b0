// Bytes over HTTP as a client of large files wants them: an entity tag, parts, and nothing sent again that the
// client has (RFC 9110).

import type { Context } from "hono";

export interface Content {
  bytes: Uint8Array;
  /** Of the content, without quotes. */
  tag: string;
  type: string;
}

export function sendBytes(c: Context, { bytes, tag, type }: Content): Response {
  const quoted = `"${tag}"`;
  c.header("etag", quoted);
  c.header("accept-ranges", "bytes");
  c.header("cache-control", "no-cache");
  if (matchesTag(c.req.header("if-none-match"), quoted)) return c.body(null, 304);
  c.header("content-type", type);
  const ifRange = c.req.header("if-range");
  // A range has no meaning for HEAD, whose answer tells the whole size.
  const asked =
    c.req.method === "GET" && (ifRange === undefined || ifRange === quoted)
      ? c.req.header("range")
      : undefined;
  const range = asked === undefined ? "whole" : parseRange(asked, bytes.length);
  if (range === "unsatisfiable") {
    c.header("content-range", `bytes */${bytes.length}`);
    return c.body(null, 416);
  }
  const whole = range === "whole";
  const part = whole ? bytes : bytes.subarray(range.from, range.to + 1);
  if (!whole) c.header("content-range", `bytes ${range.from}-${range.to}/${bytes.length}`);
  c.header("content-length", String(part.length));
  return c.body(new Uint8Array(part), whole ? 200 : 206);
}

function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(",").map((part) => part.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(tag);
}

export type ByteRange = { from: number; to: number } | "whole" | "unsatisfiable";

/** One range; several, or another unit, are answered with the whole, as RFC 9110 allows. */
export function parseRange(header: string, size: number): ByteRange {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return "whole";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { from: size - length, to: size - 1 };
  }
  const from = Number(first);
  const to = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < from) return "whole";
  return from >= size ? "unsatisfiable" : { from, to };
}
