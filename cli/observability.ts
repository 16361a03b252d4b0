// What `serve` and `up` have in common: access logs and traces of the proxies.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { ObservabilityOptions } from "../server/istio/observability.ts";
import { type HostPort, parseHostPort } from "./address.ts";

export interface ObservabilityFlags {
  accessLog: "json" | "off";
  otlp?: HostPort;
  traceSampling: number;
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
    .option("--trace-sampling <percent>", "of the requests without a trace of their own", parsePercent, 100);
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
}: ObservabilityFlags): ObservabilityOptions {
  return {
    accessLog: accessLog === "json",
    ...(otlp !== undefined && { tracing: { collector: otlp, samplingPercent: traceSampling } }),
  };
}
