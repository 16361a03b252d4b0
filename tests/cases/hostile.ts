// Requests that nobody sends by accident.

import type { Pair } from "../../host/index.ts";
import type { Generator } from "./generate.ts";

const names =
  "uid x-user accept cookie x-tenant x-sluice-destination x-sluice-none user-agent x-forwarded-for te".split(
    " ",
  );
const values = [
  "",
  "0",
  "v3",
  "a, b",
  "/",
  "a=b; session=1; session=2",
  "session",
  "=;;=",
  "\xff\xfe",
  "\x80",
  "%00",
  "'\"<>",
  "a".repeat(300),
  "base/v3",
  ";",
  "default/v3",
];
const paths = [
  "/",
  "",
  "*",
  "//",
  "/a?b=c",
  "/?",
  "/?&&=&",
  "/a;b?x=%41&x=2",
  "/%2e%2e/%2F",
  "/a#f?x",
  "?",
  "/\xff\xc3",
  "http://h/p",
  `/${"p/".repeat(2000)}`,
  "/?session=1&uid=0&uid=",
  "/A/B",
];
const authorities = [
  "search",
  "search:80",
  "SEARCH.",
  "",
  "[::1]:80",
  "a.b.c.example:99999",
  "*",
  "\xe9.example",
  "a".repeat(300),
];
const methods = ["GET", "POST", "get", "", "CONNECT", "OPTIONS", "M".repeat(100)];

export function hostileRequest(generator: Generator): Pair[] {
  const { random } = generator;
  const pairs: Pair[] = [
    [":authority", generator.pick(authorities)],
    [":path", generator.pick(paths)],
    [":method", generator.pick(methods)],
    [":scheme", generator.pick(["http", "https", "", "HTTP"])],
  ];
  if (random.below(20) === 0) pairs.splice(random.below(4), 1);
  for (let count = random.below(8); count > 0; count--)
    pairs.push([generator.pick(names), generator.pick(values)]);
  const kind = random.below(200);
  if (kind === 0) for (let index = 0; index < 1000; index++) pairs.push([`h${index}`, "v"]);
  if (kind === 1)
    for (let index = 0; index < 100; index++) pairs.push(["cookie", `c${index}=v; session=${index}`]);
  if (kind === 2) pairs.push(["x-large", "l".repeat(60 * 1024)]);
  if (kind === 3) pairs.push(["uid", "u".repeat(1024 * 1024)]);
  return pairs;
}
