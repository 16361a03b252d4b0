// The HTTP API on a port of its own.

import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { projectRoot } from "../../envoy/root.ts";
import { createApp } from "./app.ts";
import { readDashboard } from "./dashboard.ts";
import type { ServerView } from "./view.ts";

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot listen. */
export async function startHttpServer(
  view: ServerView,
  { host, port, names }: { host: string; port: number; names?: readonly string[] | undefined },
): Promise<HttpServer> {
  const app = createApp(view, {
    ...(names === undefined ? {} : { names: names.map((name) => name.toLowerCase()) }),
    dashboard: readDashboard(join(projectRoot, "build", "ui")),
    isLoopback: host === "localhost" || host === "::1" || host.startsWith("127."),
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
