// A service that ends requests in every way: with any status, not at all, by a reset, by an upgrade.

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface MoodyService {
  port: number;
  /** How many requests for /slow have arrived; none is ever answered. */
  waiting(): number;
  close(): Promise<void>;
}

export async function startMoods(): Promise<MoodyService> {
  let waiting = 0;
  const server: Server = createServer((request, response) => {
    const [, mood = "", argument = ""] = (request.url ?? "").split(/[/?]/);
    request.resume();
    if (mood === "slow") waiting += 1;
    else if (mood === "reset") request.socket.destroy();
    else response.writeHead(mood === "status" ? Number(argument) : 200, { "x-kind": argument }).end("answer");
  });
  server.on("upgrade", (_request, socket: Socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    // An echo, until either side ends.
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    waiting: () => waiting,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
