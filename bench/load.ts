// A fixed number of requests over a few kept-alive connections, one at a time on each; every answer is checked.

import { connect, type Socket } from "node:net";

const connections = 8;

export class Load {
  readonly #connections: readonly Connection[];

  private constructor(opened: readonly Connection[]) {
    this.#connections = opened;
  }

  static async open(port: number): Promise<Load> {
    return new Load(await Promise.all(Array.from({ length: connections }, () => Connection.open(port))));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async run(requests: number, status: number): Promise<void> {
    let sent = 0;
    let others = 0;
    const work = async (connection: Connection): Promise<void> => {
      while (sent < requests) {
        const answered = await connection.ask(request(sent++ % 100));
        if (answered !== status) others += 1;
      }
    };
    await Promise.all(this.#connections.map(work));
    // A bucket of one token a second admits one now and then.
    if (others > (status === 200 ? 0 : 5))
      throw new Error(`${others} of ${requests} answers were not ${status}`);
  }
}

class Connection {
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
