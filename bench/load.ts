// Requests over kept-alive connections, one at a time on each; every answer is checked. A run is a fixed number of
// them as fast as they are answered, or so many a second.

import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Contestant } from "./contestants.ts";

export class Load {
  readonly #connections: readonly Connection[];
  readonly #users: number;
  readonly #status: number;

  private constructor(opened: readonly Connection[], { users, status }: Contestant) {
    this.#connections = opened;
    this.#users = users ?? 100;
    this.#status = status;
  }

  static async open(port: number, contestant: Contestant, connections = 8): Promise<Load> {
    const opened = Array.from({ length: connections }, () => Connection.open(port));
    return new Load(await Promise.all(opened), contestant);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async run(requests: number): Promise<void> {
    let sent = 0;
    let others = 0;
    const work = async (connection: Connection): Promise<void> => {
      while (sent < requests) {
        const answered = await connection.ask(this.#request(sent++));
        if (answered !== this.#status) others += 1;
      }
    };
    await Promise.all(this.#connections.map(work));
    // A bucket of one token a second admits one now and then.
    if (others > (this.#status === 200 ? 0 : 5 + requests / 1000))
      throw new Error(`${others} of ${requests} answers were not ${this.#status}`);
  }

  /** Milliseconds from when each request was due until its answer was there; what is late waits in no queue of ours. */
  async paced(perSecond: number, seconds: number): Promise<number[]> {
    const times: number[] = [];
    const free = [...this.#connections];
    const begun = performance.now();
    const under: Promise<void>[] = [];
    for (let n = 0; n < perSecond * seconds; n++) {
      const due = begun + (n * 1000) / perSecond;
      while (performance.now() < due || free.length === 0) await delay(1);
      const connection = free.pop();
      if (connection === undefined) continue;
      const answer = connection.ask(this.#request(n)).then(() => {
        times.push(performance.now() - connection.asked);
        free.push(connection);
      });
      under.push(answer);
    }
    await Promise.all(under);
    return times;
  }

  #request(n: number): string {
    return request(this.#users > 1000 ? Math.floor(Math.random() * this.#users) : n % this.#users);
  }
}

class Connection {
  /** When the request under way was sent. */
  asked = 0;
  readonly #socket: Socket;
  #received = "";
  #answered: ((status: number) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#read(data.toString("latin1")));
    socket.on("close", () =>
      this.#failed?.(new Error(`Envoy closed the connection after: ${this.#received}`)),
    );
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Connection(socket)));
      socket.once("error", reject);
    });
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  ask(text: string): Promise<number> {
    this.#received = "";
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.asked = performance.now();
      this.#socket.write(text);
    });
  }

  #read(data: string): void {
    this.#received += data;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/.exec(this.#received)?.[1] ?? 0);
    if (this.#received.length >= end + 4 + length) this.#answered?.(Number(this.#received.slice(9, 12)));
  }
}

const request = (user: number): string =>
  `GET /search?q=${user} HTTP/1.1\r\nhost: search\r\nuser-agent: bench/1.0\r\naccept: */*\r\n` +
  `accept-language: en\r\nuid: user-${user}\r\ncookie: session=0123456789abcdef; theme=dark\r\n` +
  "x-forwarded-for: 10.0.0.1\r\nx-tenant: blue\r\n\r\n";
