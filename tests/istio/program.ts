// A program of the lab as a child process: its output in a file, its end by pid.

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { killWithUs } from "../../envoy/watchdog.ts";

export interface Program {
  pid: number;
  ended: Promise<void>;
  /** What it has written so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
  /** By SIGKILL, as a machine that fails. */
  kill(): Promise<void>;
}

export interface ProgramOptions {
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
}

const graceMs = 2_000;

export function startProgram({ command, args, env, cwd, logFile }: ProgramOptions): Program {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const watchdog = killWithUs(child);
  const log = createWriteStream(logFile, { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => log.end(resolve));
    child.once("error", (error) => log.end(`${error.message}\n`, resolve));
  }).finally(() => watchdog.release());
  return {
    pid: child.pid ?? -1,
    ended,
    log: () => readFile(logFile, "utf8").catch(() => ""),
    stop: () => end(child, ended, graceMs),
    kill: () => end(child, ended, 0),
  };
}

async function end(child: ChildProcess, ended: Promise<void>, waitMs: number): Promise<void> {
  if (waitMs > 0) child.kill("SIGTERM");
  else child.kill("SIGKILL");
  const force = setTimeout(() => child.kill("SIGKILL"), waitMs);
  await ended;
  clearTimeout(force);
}

/** What is waited for; if that fails or the program ends, it is stopped and the end of its output is told. */
export async function whileRunning<T>(program: Program, waiting: Promise<T>): Promise<T> {
  try {
    const ended = program.ended.then(() => Promise.reject(new Error("it ended by itself")));
    return await Promise.race([waiting, ended]);
  } catch (error) {
    const log = await program.log();
    await program.stop();
    throw new Error(`${error instanceof Error ? error.message : error}\n${log.slice(-6_000)}`);
  }
}
