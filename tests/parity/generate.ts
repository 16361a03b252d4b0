// Random conditions in VirtualService's words, and random requests near them: half should match, and the
// hostile ones should not be told apart by luck.

import type { HttpMatchRequest, IstioStringMatch } from "../../schema/generated/types.ts";

export type Pair = [name: string, value: string];

export interface RandomRequest {
  method: string;
  path: string;
  authority: string;
  headers: Pair[];
}

/** mulberry32: small, even enough, and the same everywhere. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) % bound;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }

  yes(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const words = [
  "a",
  "ab",
  "abc",
  "b",
  "A",
  "Ab",
  "0",
  "00",
  "1",
  "a b",
  "a,b",
  "é",
  "\u00ff",
  "%61",
  "a;b",
  "*",
  "",
];
const names = ["uid", "x-a", "x-b", "cookie", "user-agent"];
const parameters = ["q", "r", "Q", "", "a b", "%71"];
const segments = ["a", "A", "ab", "b", "", "%61", "%2F", "a;v=1", "a.b", "..", "~", "é", "*"];
const queries = [
  "q=a",
  "q=",
  "q",
  "r=ab",
  "q=a&q=b",
  "Q=a",
  "q=%61",
  "=a",
  "&&q=a",
  "q=a;r=b",
  "q=a=b",
  "q=a?r=1",
  "%71=a",
  "q=+",
];
/** What Envoy's HTTP/1 codec takes. */
const methods = ["GET", "POST", "PUT", "PURGE", "PROPFIND"];
const hosts = ["a.example", "A.example", "a.example:80", "b.example", "[::1]:80", "a.example."];
const patterns = [
  "a.*",
  "[ab]+",
  ".",
  "a|b",
  "(?i)ab",
  "[^a]*",
  "a{1,2}b?",
  "\\d+",
  "^a$",
  ".*b",
  "(a|ab)(c|bcd)*",
  "\\w+",
  "",
  "[[:alpha:]]+",
];

const without = (list: readonly string[], ...gone: string[]): string[] =>
  list.filter((text) => !gone.includes(text));

function condition(chance: Chance, from: readonly string[], presence = true): IstioStringMatch {
  const kind = chance.below(presence ? 10 : 9);
  if (kind < 4) return { exact: chance.one(from) };
  if (kind < 6) return { prefix: chance.one(without(from, "")) };
  if (kind < 9) return { regex: chance.one(without(patterns, "")) };
  return {};
}

function conditions(chance: Chance, keys: readonly string[]): Record<string, IstioStringMatch> {
  const map: Record<string, IstioStringMatch> = {};
  for (let count = 1 + chance.below(2); count > 0; count -= 1)
    map[chance.one(keys)] = condition(chance, words);
  return map;
}

export function randomMatch(chance: Chance): HttpMatchRequest {
  const match: HttpMatchRequest = {};
  if (chance.yes(40)) {
    match.uri = chance.yes(20)
      ? { regex: chance.one(["/.*", "/a/?.*", "/[ab]+(/.*)?", "(?i)/A.*", "/.*é.*", "/a|/b"]) }
      : condition(chance, ["/", "/a", "/a/", "/A", "/a/b", "/ab", "/%61", "//a", "/a;v=1", "/é"], false);
    if (chance.yes(30)) match.ignoreUriCase = true;
  }
  if (chance.yes(15)) match.method = condition(chance, methods, false);
  if (chance.yes(15)) match.authority = condition(chance, hosts, false);
  if (chance.yes(5)) match.scheme = { exact: chance.one(["http", "https"]) };
  if (chance.yes(45)) match.headers = conditions(chance, names);
  if (chance.yes(25)) match.withoutHeaders = conditions(chance, names);
  if (chance.yes(30)) match.queryParams = conditions(chance, without(parameters, ""));
  return match;
}

/** A text that satisfies the condition in most cases. */
function near(chance: Chance, m: IstioStringMatch | undefined): string {
  if (m === undefined || chance.yes(15)) return chance.one(words);
  if (m.exact !== undefined) return m.exact;
  if (m.prefix !== undefined) return m.prefix + chance.one(["", "b", "/x", "é"]);
  return chance.one(words);
}

export function randomRequest(chance: Chance, match: HttpMatchRequest): RandomRequest {
  const headers: Pair[] = [];
  for (const [name, m] of Object.entries(match.headers ?? {})) {
    const count = chance.one([0, 1, 1, 1, 2, 3]);
    for (let index = 0; index < count; index += 1) headers.push([anyCase(chance, name), near(chance, m)]);
  }
  for (const [name, m] of Object.entries(match.withoutHeaders ?? {})) {
    if (chance.yes(40)) headers.push([name, near(chance, m)]);
  }
  if (chance.yes(30)) headers.push([chance.one(names), chance.one(words)]);
  if (chance.yes(3)) headers.push(["x-large", "z".repeat(chance.one([4_000, 20_000, 50_000]))]);
  return {
    method:
      near(chance, match.method?.exact === undefined ? { exact: chance.one(methods) } : match.method) ||
      "GET",
    path: path(chance, match),
    authority: match.authority?.exact ?? chance.one(hosts),
    headers,
  };
}

const anyCase = (chance: Chance, name: string): string =>
  chance.one([name, name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1)]);

function path(chance: Chance, match: HttpMatchRequest): string {
  const { uri } = match;
  let text = "";
  if (uri?.exact !== undefined && chance.yes(80)) text = uri.exact;
  else if (uri?.prefix !== undefined && chance.yes(80)) text = uri.prefix + chance.one(["", "/b", "c"]);
  else for (let count = 1 + chance.below(3); count > 0; count -= 1) text += `/${chance.one(segments)}`;
  if (!text.startsWith("/")) text = `/${text}`;
  if (match.ignoreUriCase === true && chance.yes(50)) text = text.toUpperCase();
  const query: string[] = [];
  for (const [name, m] of Object.entries(match.queryParams ?? {})) {
    if (chance.yes(75)) query.push(chance.yes(10) ? name : `${name}=${near(chance, m)}`);
  }
  if (chance.yes(30)) query.push(chance.one(queries));
  const tail =
    query.length === 0 ? chance.one(["", "", "?", "#f"]) : `?${query.join(chance.one(["&", "&", "&&"]))}`;
  const whole = (text + tail).replaceAll(" ", "+");
  // Envoy refuses these in a request line, mostly: a few are enough.
  return chance.yes(95) ? whole.replace(/[#\u0080-\u00ff]/g, "x") : whole;
}
