import assert from "node:assert/strict";
import { test } from "node:test";
import { Command, CommanderError } from "commander";
import { addObservabilityFlags, type ObservabilityFlags, observabilityOf } from "./observability.ts";

const parse = (...args: string[]) => {
  const command = addObservabilityFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return observabilityOf(command.parse(args, { from: "user" }).opts<ObservabilityFlags>());
};

test("nothing is logged or traced unless asked for", () => {
  assert.deepEqual(parse(), { accessLog: false });
});

test("flags become the listeners' options", () => {
  assert.deepEqual(parse("--access-log", "json"), { accessLog: true });
  assert.deepEqual(parse("--otlp", "collector.example:4317"), {
    accessLog: false,
    tracing: { collector: { host: "collector.example", port: 4317 }, samplingPercent: 100 },
  });
  assert.deepEqual(parse("--otlp", "[::1]:4317", "--trace-sampling", "0.25"), {
    accessLog: false,
    tracing: { collector: { host: "::1", port: 4317 }, samplingPercent: 0.25 },
  });
});

test("values that mean nothing are refused", () => {
  for (const args of [
    ["--access-log", "text"],
    ["--otlp", "4317"],
    ["--otlp", "collector:0"],
    ["--otlp", "http://collector:4317"],
    ["--trace-sampling", "101"],
    ["--trace-sampling", "-1"],
    ["--trace-sampling", "1e1"],
    ["--trace-sampling", "0.001"],
  ]) {
    assert.throws(() => parse(...args), CommanderError, args.join(" "));
  }
});
