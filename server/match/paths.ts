// What our listeners do to a path before it is matched: escaped slashes are answered with a redirect to the
// unescaped form, dot segments are resolved, runs of slashes become one.

export type Normalised =
  { kind: "path"; path: string } | { kind: "redirect"; location: string } | { kind: "refused"; why: string };

export function normalisePath(path: string): Normalised {
  if (path.includes("#")) return { kind: "refused", why: "a path with a fragment is answered 400" };
  const query = path.indexOf("?");
  const only = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? "" : path.slice(query);
  if (!only.startsWith("/")) return { kind: "path", path };
  if (/%(2f|5c)/i.test(only)) {
    const unescaped = only.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
    const location = clean(unescaped);
    if (location === undefined)
      return { kind: "refused", why: "a path that leaves its root is answered 400" };
    return { kind: "redirect", location: location + rest };
  }
  const cleaned = clean(only);
  if (cleaned === undefined) return { kind: "refused", why: "a path that leaves its root is answered 400" };
  return { kind: "path", path: cleaned + rest };
}

/** Undefined when `..` would leave the root. */
function clean(path: string): string | undefined {
  const unreserved = path.replace(/\\/g, "/").replace(/%([0-9a-f]{2})/gi, (escaped, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : escaped.toUpperCase();
  });
  const segments = unreserved.slice(1).split("/");
  const last = segments[segments.length - 1];
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") {
      if (kept.pop() === undefined) return undefined;
    } else if (segment !== ".") kept.push(segment);
  }
  if (last === "." || last === "..") kept.push("");
  return `/${kept.join("/")}`.replace(/\/{2,}/g, "/");
}
