// The backends of the corpus: they answer with their version and with what reached them, and do as the query says:
// `status=503`, `sleep=MS`, `fail=N&id=X` (503 to the first N requests of that id). GET /__seen?id=X tells how many
// requests of an id each has seen, mirrored ones too.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface Backend {
  version: string;
  port: number;
  seen(id: string): number;
  close(): Promise<void>;
}

export async function startBackend(version: string): Promise<Backend> {
  const counts = new Map<string, number>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { searchParams } = new URL(request.url ?? "/", "http://backend");
    const id = searchParams.get("id") ?? "";
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    await delay(Number(searchParams.get("sleep") ?? 0));
    const fails = count <= Number(searchParams.get("fail") ?? 0);
    response.statusCode = fails ? 503 : Number(searchParams.get("status") ?? 200);
    response.setHeader("content-type", "application/json");
    response.setHeader("x-backend", "here");
    const headers = Object.entries(request.headers);
    response.end(JSON.stringify({ version, count, method: request.method, path: request.url, headers }));
  };
  const server = createServer((request, response) => {
    request.resume();
    void answer(request, response);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    version,
    port: address.port,
    seen: (id) => counts.get(id) ?? 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
