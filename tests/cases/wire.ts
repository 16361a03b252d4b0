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

/**
 * One request on a connection of its own, which is closed as soon as the answer is whole: Envoy itself keeps a
 * connection open for a second after its last byte.
 */
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
  const bodiless = request.line.startsWith("HEAD ");
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      const answer = parseAnswer(text, bodiless);
      if (answer === undefined) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () =>
      reject(new Error(`the answer broke off: ${JSON.stringify(text.slice(0, 200))}`)),
    );
  });
}

/** @returns undefined while the answer is not whole. */
function parseAnswer(text: string, bodiless: boolean): Answer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line): Pair => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const value = (name: string) => headers.find((pair) => pair[0] === name)?.[1];
  const status = Number(first.split(" ")[1]);
  const rest = text.slice(end + 4);
  if (bodiless || status === 204 || status === 304) return { status, headers, body: "" };
  if (value("transfer-encoding") !== undefined) {
    const body = dechunk(rest);
    return body === undefined ? undefined : { status, headers, body };
  }
  const length = Number(value("content-length") ?? 0);
  return rest.length < length ? undefined : { status, headers, body: rest.slice(0, length) };
}

function dechunk(text: string): string | undefined {
  let body = "";
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(text.slice(at, end), 16);
    if (size === 0) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
