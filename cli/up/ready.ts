// When a request would be served: Envoy is live, it has acknowledged what the server serves, and its listener
// answers over HTTP.

import { setTimeout as delay } from "node:timers/promises";
import type { EnvoyProcess } from "../../envoy/process.ts";
import { CannotStart, type RunningServer } from "../../server/serve.ts";
import type { HostPort } from "../address.ts";

/** The node of the Envoy that `up` starts at the edge. */
export const localNode = "local";

const pollMs = 20;
/** Far above what it takes; a name that DNS does not answer keeps Envoy waiting. */
const limitMs = 60_000;

/** @returns the port on which Envoy serves: `listen`'s, or the one from the system. */
export async function untilReady(
  envoy: EnvoyProcess,
  server: RunningServer,
  listen: HostPort,
): Promise<number> {
  let gone = false;
  void envoy.exited.then(() => {
    gone = true;
  });
  let missing = "Envoy does not answer";
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await delay(pollMs)) {
    if (gone) throw new CannotStart("Envoy ended before it was ready; its log is above");
    const state = await stateOf(envoy, server, listen).catch((error: unknown) => {
      if (error instanceof CannotStart) throw error;
      return error instanceof Error ? error.message : String(error);
    });
    if (typeof state === "number") return state;
    missing = state;
  }
  throw new CannotStart(`not ready after ${limitMs / 1000} s: ${missing}`);
}

/** The port, or what is missing. */
async function stateOf(
  envoy: EnvoyProcess,
  server: RunningServer,
  listen: HostPort,
): Promise<number | string> {
  const proxy = server.proxies().find(({ node }) => node.id === localNode);
  if (proxy === undefined) return "Envoy has not connected to the server";
  for (const { state, error } of Object.values(proxy.types)) {
    if (state === "nacked") throw new CannotStart(`Envoy refuses the configuration: ${error}`);
  }
  if (proxy.version === "") return "Envoy has not acknowledged the configuration";
  const live = (await envoy.admin("/ready")).trim();
  if (live !== "LIVE") return `Envoy is ${live}`;
  const port = listen.port === 0 ? await envoy.listenerPort("mesh") : listen.port;
  const host = listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host === "::" ? "::1" : listen.host;
  const authority = host.includes(":") ? `[${host}]` : host;
  await fetch(`http://${authority}:${port}/`, { headers: { connection: "close" }, redirect: "manual" });
  return port;
}
