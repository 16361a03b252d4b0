// The snapshots that were served, and what changed between two of them.

import { Hono } from "hono";
import { type HistoryEntry, UnknownVersion } from "../history.ts";
import { compareResources, type ResourceDifference } from "../resource-diff.ts";
import type { ServerView } from "./view.ts";

export interface HistoryReport {
  /** Newest first. */
  entries: HistoryEntry[];
}

export interface DiffReport {
  from: string;
  to: string;
  changes: ResourceDifference[];
}

/**
 * @example
 * GET /api/v1/history
 * GET /api/v1/diff?from=3f9c&to=b21e
 */
export function historyRoutes({ history }: ServerView): Hono {
  const app = new Hono();
  const none = { error: "no history is kept: start the server with --state DIR" };
  app.get("/history", async (c) => {
    if (history === undefined) return c.json(none, 404);
    return c.json<HistoryReport>({ entries: await history.list() });
  });
  app.get("/diff", async (c) => {
    if (history === undefined) return c.json(none, 404);
    try {
      return c.json(await diff(history, c.req.query("from") ?? "", c.req.query("to") ?? ""));
    } catch (error) {
      if (error instanceof UnknownVersion) return c.json({ error: error.message }, 404);
      throw error;
    }
  });
  return app;
}

export async function diff(
  history: NonNullable<ServerView["history"]>,
  from: string,
  to: string,
): Promise<DiffReport> {
  const [a, b] = [await history.find(from), await history.find(to)];
  return {
    from: a.entry.version,
    to: b.entry.version,
    changes: compareResources(a.resources, b.resources),
  };
}
