import { ensureArena, resetArena } from "../../assembly/abi/arena";
import { cookieValue, findCookie } from "../../assembly/request/cookies";
import { findParam, queryValue } from "../../assembly/request/query";
import {
  firstHeader,
  headerAt,
  headerCount,
  indexPairs,
  method,
  nextHeader,
  path,
  uri,
} from "../../assembly/request/view";

let pairs = new ArrayBuffer(0);

/** Lays headers out as the host does: name, value, name, value... */
function view(parts: string[]): void {
  ensureArena(65_536);
  resetArena();
  let size = 4 + parts.length * 4;
  for (let i = 0; i < parts.length; i++) size += String.UTF8.byteLength(parts[i]) + 1;
  pairs = new ArrayBuffer(size);
  const start = changetype<usize>(pairs);
  store<u32>(start, parts.length / 2);
  let at = start + 4 + parts.length * 4;
  for (let i = 0; i < parts.length; i++) {
    const text = String.UTF8.encode(parts[i]);
    store<u32>(start + 4 + i * 4, text.byteLength);
    memory.copy(at, changetype<usize>(text), text.byteLength);
    at += text.byteLength + 1;
  }
  expect(indexPairs(start)).toBe(true);
}

function bytesOf(start: usize, length: u32): string {
  return String.UTF8.decodeUnsafe(start, length);
}

/** The cookie's value, or `-`. */
function cookie(name: string): string {
  const text = String.UTF8.encode(name);
  if (!findCookie(changetype<usize>(text), text.byteLength)) return "-";
  return bytesOf(cookieValue.start, cookieValue.length);
}

/** The parameter's value in a query, or `-`. */
function param(query: string, name: string): string {
  const all = String.UTF8.encode(query);
  const text = String.UTF8.encode(name);
  const start = changetype<usize>(all);
  if (!findParam(start, start + all.byteLength, changetype<usize>(text), text.byteLength)) return "-";
  return bytesOf(queryValue.start, queryValue.length);
}

describe("the view", () => {
  it("finds pseudo headers, the path without query, and repeated values in order", () => {
    view([":method", "GET", ":path", "/a/b?c#d", "uid", "1", "other", "x", "uid", "2"]);
    expect(headerCount).toBe(5);
    expect(bytesOf(method.start, method.length)).toBe("GET");
    expect(bytesOf(path.start, path.length)).toBe("/a/b?c#d");
    expect(bytesOf(uri.start, uri.length)).toBe("/a/b");
    const name = String.UTF8.encode("uid");
    const first = nextHeader(changetype<usize>(name), 3, 0);
    const second = nextHeader(changetype<usize>(name), 3, first + 1);
    expect(bytesOf(headerAt(first).value, headerAt(first).valueLength)).toBe("1");
    expect(bytesOf(headerAt(second).value, headerAt(second).valueLength)).toBe("2");
    expect(nextHeader(changetype<usize>(name), 3, second + 1)).toBe(headerCount);
  });

  it("holds nothing of an absent header", () => {
    view([":method", "GET"]);
    const name = String.UTF8.encode("uid");
    expect(firstHeader(changetype<usize>(name), 3).valueLength).toBe(0);
    expect(nextHeader(changetype<usize>(name), 3, 0)).toBe(headerCount);
  });
});

describe("query parameters", () => {
  it("are split as Envoy does it", () => {
    expect(param("a=1&b=2", "a")).toBe("1");
    expect(param("a=1&b=2", "b")).toBe("2");
    expect(param("a=1&a=2", "a")).toBe("1", "the first value counts");
    expect(param("a", "a")).toBe("", "without =");
    expect(param("a=", "a")).toBe("", "nothing after =");
    expect(param("a=b=c", "a")).toBe("b=c", "the first = splits");
    expect(param("&&a=1", "a")).toBe("1", "empty parts");
    expect(param("a=1;b=2", "b")).toBe("-", "; does not split");
    expect(param("a=1;b=2", "a")).toBe("1;b=2");
    expect(param("%61=1", "a")).toBe("-", "nothing is decoded");
    expect(param("", "a")).toBe("-");
    expect(param("=1", "")).toBe("1", "the empty name");
  });
});

describe("cookies", () => {
  it("are split as Envoy does it", () => {
    view(["cookie", 'a=1; b="2"; c = 3;d=4=5;e;  f=6 ; g="', "cookie", "a=9; h=8"]);
    expect(cookie("a")).toBe("1", "the first counts");
    expect(cookie("b")).toBe("2", "quotation marks");
    expect(cookie("c")).toBe("-", "a blank is part of the name");
    expect(cookie("d")).toBe("4=5");
    expect(cookie("e")).toBe("-", "without =");
    expect(cookie("f")).toBe("6 ", "a space after a value is part of it");
    expect(cookie("g")).toBe('"', "one quotation mark");
    expect(cookie("h")).toBe("8", "a second header");
    expect(cookie("")).toBe("-");
  });
});
