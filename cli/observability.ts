// What `serve` and `up` have in common: access logs and traces of the proxies.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ObservabilityOptions } from "../server/istio/observability.ts";
import { CannotStart } from "../server/serve.ts";
import { type HostPort, parseHostPort } from "./address.ts";

export interface ObservabilityFlags {
  accessLog: "json" | "off";
  otlp?: HostPort;
  traceSampling: number;
  explainTokenFile?: string;
}

export function addObservabilityFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--access-log <format>", "a line per request on Envoy's standard output")
        .choices(["json", "off"])
        .default("off"),
    )
    .option(
      "--otlp <host:port>",
      "send traces to this OpenTelemetry collector (OTLP over gRPC)",
      parseCollector,
    )
    .option("--trace-sampling <percent>", "of the requests without a trace of their own", parsePercent, 100)
    .option(
      "--explain-token-file <file>",
      "requests whose sluice-explain header is this file's text are told what was decided (default: none)",
    );
}

/** Proxies are given the hash, so that no dump of their configuration, and no history of ours, has the token. */
export function hashOfToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, "latin1").replace(/\r?\n$/, "");
  } catch (error) {
    throw new CannotStart(`--explain-token-file: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!/^[\x21-\x7e]{16,256}$/.test(token))
    throw new CannotStart(
      `--explain-token-file: ${file} must hold one line of 16 to 256 printable characters without blanks; ` +
        "`openssl rand -hex 32` makes a good one",
    );
  return createHash("sha256").update(token, "latin1").digest("hex");
}

function parseCollector(text: string): HostPort {
  if (!text.includes(":")) throw new InvalidArgumentError("Write HOST:PORT; collectors listen on 4317.");
  const address = parseHostPort(text);
  if (address.port === 0) throw new InvalidArgumentError("Write the collector's port.");
  return address;
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (!/^\d+(\.\d{1,2})?$/.test(text) || percent > 100) {
    throw new InvalidArgumentError("Write a number from 0 to 100, with two decimals at most.");
  }
  return percent;
}

export function observabilityOf({
  accessLog,
  otlp,
  traceSampling,
  explainTokenFile,
}: ObservabilityFlags): ObservabilityOptions {
  return {
    accessLog: accessLog === "json",
    ...(otlp !== undefined && { tracing: { collector: otlp, samplingPercent: traceSampling } }),
    ...(explainTokenFile !== undefined && { explainTokenSha256: hashOfToken(explainTokenFile) }),
  };
}
