import assert from "node:assert/strict";
import { test } from "node:test";
import type { RateLimit } from "../../schema/generated/types.ts";
import { limitText } from "./limit-text.ts";

const request = {
  headers: [
    [":method", "GET"],
    [":path", "/p?q=1&r=a=b#f"],
    [":authority", "h"],
    ["uid", "a"],
    ["cookie", "x=1; s=t=u"],
  ] as const,
  source: "10.0.0.1:5",
};

const rows: { name: string; limit: RateLimit; text: string }[] = [
  {
    name: "no key",
    limit: { name: "a", requests: 3, per: "1h" },
    text: "3 per 1h; a full bucket has 2 left after this request",
  },
  {
    name: "a key and a burst",
    limit: { name: "a", requests: 3, per: "1s", burst: 6, key: [{ header: "UID" }, { cookie: "s" }] },
    text: '3 per 1s, burst 6, by header UID = "a" and cookie s = "t=u"; a full bucket has 5 left after this request',
  },
  {
    name: "all other parts, one of them absent",
    limit: {
      name: "a",
      requests: 1,
      per: "1s",
      key: [{ queryParam: "r" }, { queryParam: "n" }, { path: {} }, { method: {} }, { sourceIp: {} }],
    },
    text:
      'by query parameter r = "a=b" and query parameter n (absent) and path = "/p" and method = "GET" and ' +
      'client address = "10.0.0.1:5"',
  },
  {
    name: "cost and shadow",
    limit: { name: "a", requests: 9, per: "1s", cost: { header: "x-cost" }, enforce: false },
    text: "9 per 1s, cost from header x-cost, at most 1000, counted only",
  },
];

for (const { name, limit, text } of rows)
  test(name, () => {
    const written = limitText(limit, request);
    assert.ok(written === text || written.includes(text), written);
  });

test("without a request only the key's parts are named", () => {
  const limit: RateLimit = { name: "a", requests: 1, per: "1s", key: [{ header: "uid" }, { sourceIp: {} }] };
  assert.equal(limitText(limit), "1 per 1s, by header uid and client address");
});
