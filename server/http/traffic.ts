// The live side of the API: the traffic as it is, and one stream of events from which a page draws everything.

import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { reportState } from "./state.ts";
import type { ServerView } from "./view.ts";

/** Each costs one report a second. */
const maxWatchers = 64;

export function trafficRoutes(view: ServerView): Hono {
  const app = new Hono();
  let watchers = 0;
  app.get("/traffic", (c) => c.json({ ...view.traffic.report(Date.now()), history: view.traffic.history() }));
  app.get("/events", (c) => {
    if (watchers >= maxWatchers) {
      c.header("retry-after", "5");
      return c.json({ error: `${maxWatchers} pages are watching already` }, 503);
    }
    c.header("x-accel-buffering", "no");
    return streamSSE(c, async (stream) => {
      watchers++;
      let lastState = "";
      const send = async (event: string, data: string): Promise<void> => {
        if (!stream.aborted && !stream.closed) await stream.writeSSE({ event, data });
      };
      const sendState = async (): Promise<void> => {
        const state = JSON.stringify(reportState(view));
        if (state === lastState) return;
        lastState = state;
        await send("state", state);
      };
      let isBusy = false;
      // A page that reads slowly misses reports instead of piling them up here.
      const unwatch = view.traffic.watch((report) => {
        if (isBusy) return;
        isBusy = true;
        void sendState()
          .then(() => send("traffic", JSON.stringify(report)))
          .finally(() => {
            isBusy = false;
          });
      });
      const ended = new Promise<void>((resolve) => stream.onAbort(resolve));
      try {
        await sendState();
        await send("history", JSON.stringify(view.traffic.history()));
        await send("traffic", JSON.stringify(view.traffic.report(Date.now())));
        await ended;
      } finally {
        unwatch();
        watchers--;
      }
    });
  });
  return app;
}
