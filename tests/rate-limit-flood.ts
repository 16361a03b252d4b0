// Load for rate limits: bare HTTP/1.1, one request under way per connection, so that one client drives an Envoy far
// beyond a limit, or through many keys, without being the bottleneck; and the same over HTTP/2.

import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";

export interface Load {
  port: number;
  connections: number;
  /** Requests per second over all connections; as fast as they are answered when left out. */
  perSecond?: number;
  /** Ends after so much time, or so many requests. */
  seconds?: number;
  requests?: number;
  /** Header lines of the n-th request, each ended by CRLF. */
  headers?: (n: number) => string;
  /** Of the n-th request. */
  path?: (n: number) => string;
}

export interface Answers {
  byStatus: Map<number, number>;
  /** Answers 200 by path. */
  admitted: Map<string, number>;
  /** From before the first request to after the last answer, in seconds. */
  seconds: number;
}

/** Sends until the end of the load, and waits for every answer. */
export async function flood(load: Load): Promise<Answers> {
  const byStatus = new Map<number, number>();
  const admitted = new Map<string, number>();
  const begun = performance.now();
  let sent = 0;
  const takeTurn = (): number => {
    const elapsed = (performance.now() - begun) / 1000;
    if (load.seconds !== undefined && elapsed >= load.seconds) return -1;
    const due =
      load.perSecond === undefined ? Number.POSITIVE_INFINITY : Math.floor(elapsed * load.perSecond) + 1;
    const left = Math.min(due, load.requests ?? Number.POSITIVE_INFINITY) - sent;
    if (left <= 0) return load.requests !== undefined && sent >= load.requests ? -1 : 0;
    sent += 1;
    return 1;
  };
  await Promise.all(
    Array.from({ length: load.connections }, () => run(load, takeTurn, () => sent, byStatus, admitted)),
  );
  return { byStatus, admitted, seconds: (performance.now() - begun) / 1000 };
}

/** One connection: a request, its answer, the next request. */
async function run(
  load: Load,
  takeTurn: () => number,
  sentSoFar: () => number,
  byStatus: Map<number, number>,
  admitted: Map<string, number>,
): Promise<void> {
  const socket = connect(load.port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const answers = new AnswerReader(socket, byStatus, admitted);
  try {
    for (;;) {
      const count = takeTurn();
      if (count < 0) return;
      if (count === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const n = sentSoFar() - 1;
      const headers = load.headers?.(n) ?? "";
      answers.path = load.path?.(n) ?? "/";
      socket.write(`GET ${answers.path} HTTP/1.1\r\nhost: a\r\n${headers}\r\n`);
      await answers.take(count);
    }
  } finally {
    socket.destroy();
  }
}

/** Counts answers by their status lines; their bodies must not contain one. */
class AnswerReader {
  #rest = "";
  #missing = 0;
  #done: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  readonly #byStatus: Map<number, number>;
  readonly #admitted: Map<string, number>;
  /** Of the request under way. */
  path = "/";

  constructor(socket: Socket, byStatus: Map<number, number>, admitted: Map<string, number>) {
    this.#byStatus = byStatus;
    this.#admitted = admitted;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", (error) => this.#fail?.(error));
    socket.on("close", () => this.#fail?.(new Error("the connection was closed")));
  }

  take(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#missing += count;
      this.#done = resolve;
      this.#fail = reject;
    });
  }

  #read(text: string): void {
    const all = this.#rest + text;
    let end = 0;
    for (const match of all.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
      const status = Number(match[1]);
      if (status === 200) this.#admitted.set(this.path, (this.#admitted.get(this.path) ?? 0) + 1);
      this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
      this.#missing -= 1;
      end = match.index + match[0].length;
    }
    this.#rest = all.slice(Math.max(end, all.length - 11));
    if (this.#missing === 0) this.#done?.();
  }
}

/** As flood, over HTTP/2: `connections` sessions with many streams each. */
export async function floodHttp2(
  load: Load & { perSecond: number; seconds: number },
): Promise<Omit<Answers, "admitted">> {
  const byStatus = new Map<number, number>();
  const sessions = Array.from({ length: load.connections }, () =>
    connectHttp2(`http://127.0.0.1:${load.port}`),
  );
  const begun = performance.now();
  const answers: Promise<void>[] = [];
  for (let sent = 0; ;) {
    const elapsed = (performance.now() - begun) / 1000;
    if (elapsed >= load.seconds) break;
    for (; sent < elapsed * load.perSecond; sent++) {
      const stream = sessions[sent % sessions.length]?.request({ ":path": load.path?.(sent) ?? "/" });
      if (stream === undefined) continue;
      answers.push(
        new Promise((resolve, reject) => {
          stream.on("response", (headers) => {
            const status = Number(headers[":status"]);
            byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
          });
          stream
            .on("error", reject)
            .on("close", () => resolve())
            .resume();
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(answers);
  for (const session of sessions) session.close();
  return { byStatus, seconds: (performance.now() - begun) / 1000 };
}
