// Small services that speak other protocols than HTTP/1.1, each telling who answers.

import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { createServer as createTls } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { authority } from "./certificates.ts";

const opened: (() => unknown)[] = [];

/** Ends whatever was started. */
export async function closeServices(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

/** A port of the system's choice; its connections end with the test. */
async function listening(server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on("connection", (socket: { destroy(): unknown }) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export const plainBytes = (bytes: Buffer): Buffer => bytes;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: plainBytes,
  requestDeserialize: plainBytes,
  responseSerialize: plainBytes,
  responseDeserialize: plainBytes,
});
export const calls = {
  unary: method("/test.Calls/Unary", false, false),
  count: method("/test.Calls/Count", false, true),
  echo: method("/test.Calls/Echo", true, true),
};

/** Answers with its name; counts to the number asked for; echoes each message as it comes. */
export async function startGrpc(name: string): Promise<number> {
  const server = new grpc.Server();
  server.addService(calls, {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
      if (String(call.request) === "fail") reply({ code: grpc.status.NOT_FOUND, details: "no such thing" });
      else reply(null, Buffer.from(name));
    },
    count: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      for (let i = 1; i <= Number(String(call.request)); i++) call.write(Buffer.from(String(i)));
      call.end();
    },
    echo: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (message: Buffer) => call.write(Buffer.from(`${name} ${message}`)));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  opened.push(() => server.forceShutdown());
  return port;
}

/** Says by which version of HTTP it was asked. */
export const startHttp2 = (): Promise<number> =>
  listening(createHttp2((request, response) => response.end(`HTTP/${request.httpVersion}`)));

/** Takes every upgrade and sends back what comes, in capitals. */
export function startWebSocket(): Promise<number> {
  const server = createHttp((request, response) => response.end(`HTTP/${request.httpVersion}`));
  server.on("upgrade", (request, socket) => {
    const path = request.url ?? "";
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nx-path: ${path}\r\n\r\n`,
    );
    socket.on("data", (bytes: Buffer) => socket.write(String(bytes).toUpperCase()));
    socket.on("error", () => {});
  });
  return listening(server);
}

/** Says its name and closes. */
export const startTcp = (name: string): Promise<number> => listening(createTcp((socket) => socket.end(name)));

/** Ends TLS, says its name and closes. */
export async function startTls(name: string): Promise<number> {
  const { certificate, key } = await (await authority("test")).issue({ name: "x.vault.example" });
  return listening(createTls({ cert: certificate, key }, (socket) => socket.end(name)));
}
