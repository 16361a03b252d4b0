// What our listeners do to a path before it is matched: escaped slashes are answered with a redirect to the
// unescaped form, dot segments are resolved, runs of slashes become one.

export type Normalised =
  { kind: "path"; path: string } | { kind: "redirect"; location: string } | { kind: "refused"; why: string };

/** `path` is a byte string, with its query. */
export function normalisePath(path: string): Normalised {
  if (path.includes("#")) return { kind: "refused", why: "a path with a fragment is answered 400" };
  if (/[^\x21-\x7e]/.test(path)) {
    return { kind: "refused", why: "a path with bytes that are not ASCII, unescaped, is answered 400" };
  }
  const query = path.indexOf("?");
  const only = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? "" : path.slice(query);
  if (!only.startsWith("/")) return { kind: "path", path };
  if (!/%(2f|5c)/i.test(only)) return { kind: "path", path: clean(only) + rest };
  const unescaped = only.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  return { kind: "redirect", location: clean(unescaped) + rest };
}

/** `..` at the root stays there. */
function clean(path: string): string {
  const unreserved = path.replace(/\\/g, "/").replace(/%([0-9a-f]{2})/gi, (escaped, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : escaped.toUpperCase();
  });
  const segments = unreserved.slice(1).split("/");
  const last = segments[segments.length - 1];
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  if (last === "." || last === "..") kept.push("");
  return mergeSlashes(`/${kept.join("/")}`);
}

/** A path of nothing but slashes becomes `//` in Envoy, not `/`. */
function mergeSlashes(path: string): string {
  if (!path.includes("//")) return path;
  const inner = path.split("/").filter((segment) => segment !== "");
  return `/${inner.join("/")}${path.endsWith("/") ? "/" : ""}`;
}
