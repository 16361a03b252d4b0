// The release modules over HTTP, as proxies and agents fetch them: the sha256 is the entity tag, a part can
// be asked for, what the client has is not sent again.

import { Hono } from "hono";
import { sendBytes } from "./bytes.ts";

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
    return module === undefined
      ? c.json({ error: `there is no filter ${name}` }, 404)
      : sendBytes(c, { bytes: module.bytes, tag: module.sha256, type: "application/wasm" });
  });
  return app;
}
