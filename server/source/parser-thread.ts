// The worker thread in which files are parsed, one for the process. It is started when first needed, holds
// up no exit, and is ended and started anew when a file takes too long.

import { Worker } from "node:worker_threads";
import type { ParsedPiece } from "./parsed.ts";

interface Job {
  resolve: (pieces: ParsedPiece[]) => void;
  reject: (error: Error) => void;
}

let worker: Worker | undefined;
let nextId = 1;
const jobs = new Map<number, Job>();
let last: Promise<unknown> = Promise.resolve();

/** Parsing took longer than it may; the message names the limit. */
export class ParseTimeout extends Error {}

/** Parses the pieces of one file; one file at a time, so that the limit is for each alone. */
export function parsePieces(pieces: readonly string[], limitMs: number): Promise<ParsedPiece[]> {
  const result = last.then(() => run(pieces, limitMs));
  last = result.catch(() => undefined);
  return result;
}

async function run(pieces: readonly string[], limitMs: number): Promise<ParsedPiece[]> {
  const thread = worker ?? start();
  worker = thread;
  // While a job runs the thread keeps the process alive; idle it does not.
  thread.ref();
  const id = nextId++;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<ParsedPiece[]>((resolve, reject) => {
      jobs.set(id, { resolve, reject });
      timer = setTimeout(() => {
        fail(thread, new ParseTimeout(`reading took longer than ${limitMs / 1000} s, the most allowed`));
        void thread.terminate();
      }, limitMs);
      thread.postMessage({ id, pieces });
    });
  } finally {
    clearTimeout(timer);
    thread.unref();
  }
}

function start(): Worker {
  const thread = import.meta.url.endsWith(".ts") ? fromSource() : fromBundle();
  thread.on("message", ({ id, pieces }: { id: number; pieces: ParsedPiece[] }) => {
    jobs.get(id)?.resolve(pieces);
    jobs.delete(id);
  });
  thread.on("error", (error) => fail(thread, error instanceof Error ? error : new Error(String(error))));
  thread.on("exit", () => fail(thread, new Error("the parser thread ended")));
  return thread;
}

const fromBundle = () => new Worker(new URL("./yaml.worker.js", import.meta.url));

/** Node 20 does not pass a TypeScript loader on to a worker's own entry: the worker registers it first. */
function fromSource(): Worker {
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const entry = JSON.stringify(new URL("./yaml.worker.ts", import.meta.url).href);
  return new Worker(`import(${loader}).then((api) => (api.register(), import(${entry})))`, { eval: true });
}

/** Ends all jobs of a thread that is no more. */
function fail(thread: Worker, error: Error): void {
  if (worker !== thread) return;
  worker = undefined;
  for (const job of jobs.values()) job.reject(error);
  jobs.clear();
}
