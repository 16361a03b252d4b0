// Both ends of an exchange through Envoy: a client that writes exactly the bytes of a case, and an upstream
// that keeps what it saw and answers what the case says. Bytes above 0x7F go as they are.

import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Pair } from "../../host/index.ts";

export interface Seen {
  method: string;
  path: string;
  headers: Pair[];
  body: string;
}

export interface Answer {
  status: number;
  headers: readonly Pair[];
  body: string;
}

export class Upstream {
  seen: Seen[] = [];
  answer: Answer = { status: 200, headers: [], body: "" };
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ maxHeaderSize: 16 * 1024 * 1024 }, (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const headers: Pair[] = [];
        for (let index = 0; index < request.rawHeaders.length; index += 2) {
          headers.push([request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? ""]);
        }
        const body = Buffer.concat(pieces).toString("latin1");
        this.seen.push({ method: request.method ?? "", path: request.url ?? "", headers, body });
        const { status, headers: lines, body: text } = this.answer;
        response.sendDate = false;
        for (const [name, value] of lines) response.appendHeader(name, value);
        response.writeHead(status, { "content-length": text.length }).end(text, "latin1");
      });
    });
    // Node refuses more than 2,000 headers in silence; Envoy is the one to decide here.
    this.#server.maxHeadersCount = 0;
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** One request on a connection of its own. */
export function send(
  port: number,
  request: { line: string; headers: readonly Pair[]; body: string },
): Promise<Answer> {
  const lines = [
    request.line,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    "connection: close",
  ];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${request.body}`, "latin1");
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
    socket.on("data", (piece) => pieces.push(piece));
    socket.on("error", reject);
    socket.on("close", () => {
      try {
        resolve(parseResponse(Buffer.concat(pieces).toString("latin1")));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function parseResponse(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, Math.max(0, end)).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (end < 0 || Number.isNaN(status))
    throw new Error(`not an HTTP response: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = lines.map((line): Pair => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const chunked = headers.some(([name, value]) => name === "transfer-encoding" && value.includes("chunked"));
  const body = text.slice(end + 4);
  return { status, headers, body: chunked ? dechunk(body) : body };
}

function dechunk(text: string): string {
  let body = "";
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (end < 0 || !(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
