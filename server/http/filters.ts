// The release modules over HTTP, as proxies and agents fetch them: the sha256 is the entity tag, a part can
// be asked for, what the client has is not sent again.

import { Hono } from "hono";
import type { Context } from "hono";

/** What is served of a module. */
export interface ServedModule {
  name: string;
  bytes: Uint8Array;
  sha256: string;
  hostcalls: readonly string[];
  callbacks: readonly string[];
}

export function filterRoutes(modules: Readonly<Record<string, ServedModule>>): Hono {
  const app = new Hono();
  app.get("/index.json", (c) =>
    c.json({
      filters: Object.values(modules).map(({ name, bytes, sha256, hostcalls, callbacks }) => ({
        name,
        path: `/filters/${name}.wasm`,
        sha256,
        size: bytes.length,
        hostcalls,
        callbacks,
      })),
    }),
  );
  app.get("/:file{[a-z_]+\\.wasm}", (c) => {
    const name = c.req.param("file").slice(0, -".wasm".length);
    const module = Object.hasOwn(modules, name) ? modules[name] : undefined;
    return module ? sendModule(c, module) : c.json({ error: `there is no filter ${name}` }, 404);
  });
  return app;
}

function sendModule(c: Context, { bytes, sha256 }: ServedModule): Response {
  const tag = `"${sha256}"`;
  c.header("etag", tag);
  c.header("accept-ranges", "bytes");
  c.header("cache-control", "no-cache");
  if (matchesTag(c.req.header("if-none-match"), tag)) return c.body(null, 304);
  c.header("content-type", "application/wasm");
  const ifRange = c.req.header("if-range");
  const asked = ifRange === undefined || ifRange === tag ? c.req.header("range") : undefined;
  const range = asked === undefined ? "whole" : parseRange(asked, bytes.length);
  if (range === "whole") return c.body(copy(bytes), 200);
  if (range === "unsatisfiable") {
    c.header("content-range", `bytes */${bytes.length}`);
    return c.body(null, 416);
  }
  c.header("content-range", `bytes ${range.from}-${range.to}/${bytes.length}`);
  return c.body(copy(bytes.subarray(range.from, range.to + 1)), 206);
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
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
