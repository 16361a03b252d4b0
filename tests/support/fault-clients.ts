// Clients and a service for tests of faults: HTTP/2 streams in great numbers, downloads in pieces, upgrades.

import { createServer, request as httpRequest, type Server } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { text } from "node:stream/consumers";

export const host = "shop.test";
/** What a download asks the service for. */
export const downloadBytes = 98_304;

export interface Http2Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
  ms: number;
}

/** An HTTP/2 connection, on one worker. */
export class Connection {
  readonly #session: ClientHttp2Session;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on("error", () => {});
    this.#session.setMaxListeners(0);
  }

  open(path: string, fault: string, more: Record<string, string> = {}): ClientHttp2Stream {
    const stream = this.#session.request({ ":path": path, ":authority": host, "x-fault": fault, ...more });
    stream.on("error", () => {});
    return stream;
  }

  ask(path: string, fault: string, more: Record<string, string> = {}, body?: string): Promise<Http2Answer> {
    const began = performance.now();
    const stream = this.open(path, fault, body === undefined ? more : { ...more, ":method": "POST" });
    if (body !== undefined) stream.end(body);
    return answerOf(stream, began);
  }

  async download(take: (data: Buffer) => void): Promise<void> {
    const stream = this.open("/", "thin", { "x-size": String(downloadBytes) });
    stream.on("data", take);
    await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  }

  close(): void {
    this.#session.destroy();
  }
}

/** A response of the service's, over HTTP/1.1. */
export async function download(port: number, take: (data: Buffer) => void): Promise<void> {
  const headers = { host, "x-fault": "thin", "x-size": String(downloadBytes) };
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, headers }, (response) => {
      response.on("data", take).on("end", resolve).on("error", reject);
    });
    request.on("error", reject).end();
  });
}

export function answerOf(stream: ClientHttp2Stream, began = performance.now()): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    let headers: Record<string, unknown> = {};
    stream.on("response", (received) => {
      headers = received;
    });
    let body = "";
    stream.on("data", (piece) => {
      body += String(piece);
    });
    stream.on("end", () =>
      resolve({ status: Number(headers[":status"]), headers, body, ms: performance.now() - began }),
    );
    stream.on("error", reject);
    stream.resume();
  });
}

/** An HTTP service that counts the bytes of a body, or sends as many as are asked for, and echoes over an upgraded connection. */
export function startService(): Promise<Server> {
  const server = createServer((incoming, response) => {
    const size = Number(incoming.headers["x-size"] ?? 0);
    void text(incoming).then((body) => response.end(size > 0 ? Buffer.alloc(size) : `${body.length}`));
  });
  server.on("upgrade", (_, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
    socket.on("error", () => {});
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
