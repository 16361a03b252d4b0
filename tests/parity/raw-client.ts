// Writes requests byte for byte on one kept-alive connection, one at a time; bytes are Latin-1.

import { connect, type Socket } from "node:net";
import type { RandomRequest } from "./generate.ts";

export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
}

export class RawClient {
  readonly #port: number;
  #socket: Socket | undefined;
  #received = "";
  #waiting: { resolve(answer: RawAnswer): void; reject(error: Error): void } | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async send({ method, path, authority, headers }: RandomRequest): Promise<RawAnswer> {
    const socket = this.#socket ?? (await this.#open());
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${authority}`];
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    if (method !== "GET") lines.push("Content-Length: 0");
    const answer = new Promise<RawAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    socket.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"));
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Promise<Socket> {
    this.#received = "";
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, "127.0.0.1", () => resolve(socket));
      socket.setNoDelay(true);
      socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
      socket.on("error", (error) => {
        reject(error);
        this.#waiting?.reject(error);
      });
      socket.on("data", (data) => this.#read(data.toString("latin1")));
      socket.on("close", () => {
        if (this.#socket === socket) this.#socket = undefined;
        this.#waiting?.reject(new Error(`closed without an answer after: ${this.#received}`));
      });
      this.#socket = socket;
    });
  }

  #read(data: string): void {
    this.#received += data;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const [first = "", ...lines] = this.#received.slice(0, end).split("\r\n");
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers.get("content-length") ?? 0);
    if (this.#received.length < end + 4 + length) return;
    this.#received = this.#received.slice(end + 4 + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (headers.get("connection") === "close") {
      this.#socket?.destroy();
      this.#socket = undefined;
    }
    waiting?.resolve({ status: Number(first.split(" ")[1]), headers });
  }
}
