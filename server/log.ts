// The log: one event per line on standard error, JSON where a program reads it, plain text on a terminal.

import { Writable } from "node:stream";
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

export interface LogOptions {
  /** Where the lines go. Default: standard error. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean };
  level?: string;
}

export function createLogger({ stream = process.stderr, level = "info" }: LogOptions = {}): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, stream.isTTY ? readable(stream) : stream);
}

const colours: Record<string, string> = { warn: "\u001b[33m", error: "\u001b[31m", fatal: "\u001b[31m" };
const dim = "\u001b[2m";
const reset = "\u001b[0m";

function readable(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = chunk
        .toString()
        .split("\n")
        .filter((line) => line !== "");
      out.write(lines.map((line) => `${formatLine(line)}\n`).join(""), () => done());
    },
  });
}

/** `12:00:00 warn  message key=value`. */
export function formatLine(json: string): string {
  const { level, time, msg, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const label = String(level);
  const tail = fields.length === 0 ? "" : ` ${dim}${fields.join(" ")}${reset}`;
  return `${dim}${clock}${reset} ${colours[label] ?? ""}${label.padEnd(5)}${reset} ${String(msg ?? "").replaceAll("\n", " ")}${tail}`;
}
