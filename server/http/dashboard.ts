// The dashboard at `/`: the files that the build puts into build/ui, and a policy under which the page can
// neither load nor send anything elsewhere.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Hono } from "hono";
import type { Context } from "hono";

export interface DashboardFile {
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  tag: string;
}

export type DashboardFiles = ReadonlyMap<string, DashboardFile>;

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

export const dashboardPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/** What is not there is empty: the page then says how to build it. */
export function readDashboard(directory: string): DashboardFiles {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return new Map(
    names.flatMap((name) => {
      const type = types[extname(name)];
      if (type === undefined) return [];
      const bytes = new Uint8Array(readFileSync(join(directory, name)));
      const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 27)}"`;
      return [[name, { bytes, type, tag }] as const];
    }),
  );
}

export function dashboardRoutes(files: DashboardFiles): Hono {
  const app = new Hono();
  app.get("/", (c) => {
    c.header("content-security-policy", dashboardPolicy);
    c.header("referrer-policy", "no-referrer");
    const page = files.get("index.html");
    if (page !== undefined) return send(c, page);
    return c.text("The dashboard is not built: npm run build. The API is at /api/v1/snapshot.\n", 503);
  });
  app.get("/ui/:file", (c) => {
    const file = files.get(c.req.param("file"));
    return file === undefined ? c.json({ error: `there is nothing at ${c.req.path}` }, 404) : send(c, file);
  });
  return app;
}

function send(c: Context, { bytes, type, tag }: DashboardFile): Response {
  c.header("etag", tag);
  // Asked for again each time, and sent only when it has changed: a newer server has another page.
  c.header("cache-control", "no-cache");
  if (c.req.header("if-none-match") === tag) return c.body(null, 304);
  c.header("content-type", type);
  return c.body(bytes);
}
