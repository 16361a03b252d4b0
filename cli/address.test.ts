import assert from "node:assert/strict";
import { test } from "node:test";
import { formatHostPort, parseHostPort } from "./address.ts";

test("a port is on loopback, an address wherever it says", () => {
  const table: [string, string][] = [
    ["8080", "127.0.0.1:8080"],
    ["0", "127.0.0.1:0"],
    ["0.0.0.0:80", "0.0.0.0:80"],
    ["[::]:8080", "[::]:8080"],
    ["mesh.example:443", "mesh.example:443"],
  ];
  for (const [text, expected] of table) assert.equal(formatHostPort(parseHostPort(text)), expected, text);
});

test("what is no port is refused", () => {
  for (const text of ["", "65536", "http", ":80", "::1:80", "80:", "-1", "1.5"]) {
    assert.throws(() => parseHostPort(text), /PORT/i, text);
  }
});
