import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createLogger } from "./log.ts";

function written(isTTY: boolean): string[] {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const logger = createLogger({ stream, level: "info" });
  logger.error({ event: "diagnostic", file: "a.yaml", line: 3 }, "a.yaml:3:1: no such field\nat all");
  logger.debug("not shown");
  return String(stream.read()).trimEnd().split("\n");
}

test("a program gets one JSON object per event", () => {
  const lines = written(false);
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.deepEqual(rest, {
    level: "error",
    event: "diagnostic",
    file: "a.yaml",
    line: 3,
    msg: "a.yaml:3:1: no such field\nat all",
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
});

test("a terminal gets plain text", () => {
  const lines = written(true);
  assert.match(lines[0] ?? "", /error.*a\.yaml:3:1: no such field/);
  assert.doesNotMatch(lines.join("\n"), /\{/);
});
