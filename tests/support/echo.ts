// A service that answers with its version and with what reached it, headers as they came over the wire.

import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

export interface Echo {
  version: string;
  method: string;
  path: string;
  /** Name and value in the order in which they arrived, repeated ones included; names in lower case. */
  headers: [string, string][];
  body: string;
}

export interface EchoService {
  port: number;
  /** Requests received so far. */
  count(): number;
  close(): Promise<void>;
}

export async function startEcho(version: string, port = 0): Promise<EchoService> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    void text(request).then((body) => {
      const echo: Echo = {
        version,
        method: request.method ?? "",
        path: request.url ?? "",
        headers: headersOf(request),
        body,
      };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(echo));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    count: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    pairs.push([(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""]);
  }
  return pairs;
}
