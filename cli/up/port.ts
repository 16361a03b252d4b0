// Asks for a port before Envoy does: Envoy shares its ports between its workers (SO_REUSEPORT), so that a second
// Envoy would bind to the same port without a word, and its other failures are deep in its log.

import { createServer } from "node:net";
import { CannotStart } from "../../server/serve.ts";
import type { HostPort } from "../address.ts";

export async function requireFree({ host, port }: HostPort, option: string): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => resolve(undefined));
  });
  await new Promise((resolve) => server.close(resolve));
  if (failure === undefined) return;
  if (failure.code === "EADDRINUSE") {
    throw new CannotStart(
      `port ${port} on ${host} is taken; choose another one with ${option}, or 0 for any`,
    );
  }
  throw new CannotStart(`cannot listen on ${host}:${port} (${option}): ${failure.message}`);
}
