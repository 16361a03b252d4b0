// The HTTP side of the server. It only reads, and while it listens on loopback, or is told its names, it answers
// only to those, so that no page on the internet can read it through a browser (DNS rebinding).

import { Hono } from "hono";
import { type DashboardFiles, dashboardRoutes } from "./dashboard.ts";
import { registryRoutes } from "../oci/registry.ts";
import { effectiveRoute } from "./effective.ts";
import { filterRoutes } from "./filters.ts";
import { historyRoutes } from "./history.ts";
import { renderMetrics } from "./metrics.ts";
import { reportProxies, reportSnapshot } from "./proxies.ts";
import { routeRoutes } from "./routes.ts";
import { schemaRoutes } from "./schemas.ts";
import { trafficRoutes } from "./traffic.ts";
import type { ServerView } from "./view.ts";

export interface AppOptions {
  isLoopback: boolean;
  /** Names that it answers to beside those of loopback. Default: any, unless it listens on loopback. */
  names?: readonly string[];
  dashboard: DashboardFiles;
}

/**
 * @example
 * const app = createApp(view, { isLoopback: true, dashboard: new Map() });
 * const response = await app.request("/healthz");
 */
export function createApp(view: ServerView, { isLoopback, names, dashboard }: AppOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    if ((isLoopback || names !== undefined) && !isNameOfOurs(c.req.header("host"), names)) {
      const whose =
        names === undefined
          ? "listens on loopback and answers to loopback names"
          : "answers to its own names";
      return c.json({ error: `this server ${whose} only` }, 403);
    }
    await next();
    c.header("x-content-type-options", "nosniff");
  });
  app.get("/healthz", (c) => c.text("ok\n"));
  app.get("/api/v1/snapshot", (c) => c.json(reportSnapshot(view)));
  app.get("/api/v1/proxies", (c) => c.json(reportProxies(view)));
  app.get("/metrics", (c) =>
    c.body(renderMetrics(view), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  app.route("/api/v1", trafficRoutes(view));
  app.route("/api/v1", routeRoutes(view));
  app.route("/api/v1", effectiveRoute(view));
  app.route("/api/v1", historyRoutes(view));
  app.route("/filters", filterRoutes(view.modules));
  app.route("/", registryRoutes(view.modules, view.version));
  app.route("/", schemaRoutes());
  app.route("/", dashboardRoutes(dashboard));
  app.all("*", (c) => {
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    return isRead
      ? c.json({ error: `there is nothing at ${c.req.path}` }, 404)
      : c.json({ error: "this server only reads: its configuration is the folder of files" }, 405, {
          allow: "GET, HEAD",
        });
  });
  return app;
}

function isNameOfOurs(host: string | undefined, names: readonly string[] = []): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return (
    names.includes(name) ||
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    /^127(\.\d+){3}$/.test(name)
  );
}
