// Names as Istio has them: full host names, wildcards, clusters, and who sees what.

/** A short name is of the namespace; anything with a dot, and `*`, stands as it is. */
export function fullName(host: string, namespace: string): string {
  const lower = host.toLowerCase();
  return lower.includes(".") || lower.startsWith("*") ? lower : `${lower}.${namespace}.svc.cluster.local`;
}

export const isWildcard = (host: string): boolean => host.startsWith("*");

/** Whether the pattern (`*`, `*.suffix` or a name) covers all that `host`, itself perhaps a pattern, covers. */
export function covers(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  if (!isWildcard(pattern)) return false;
  const suffix = pattern.slice(1);
  return host.length > suffix.length && host.replace(/^\*/, "").endsWith(suffix);
}

/** What both patterns cover: the narrower of the two, or nothing. */
export function intersection(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** Most specific first: exact names, then wildcards by the length of their suffix, `*` last. */
export function bySpecificity(a: string, b: string): number {
  const wild = Number(isWildcard(a)) - Number(isWildcard(b));
  if (wild !== 0) return wild;
  return isWildcard(a) ? b.length - a.length : 0;
}

/** Finds which of the patterns, exact names among them, is the most specific one that covers a host. */
export function patternFinder(patterns: Iterable<string>): (host: string) => string | undefined {
  const all = new Set(patterns);
  const wildcards = [...all].filter(isWildcard).sort(bySpecificity);
  return (host) => (all.has(host) ? host : wildcards.find((pattern) => covers(pattern, host)));
}

export const clusterName = (port: number, subset: string | undefined, host: string): string =>
  `outbound|${port}|${subset ?? ""}|${host}`;

export const virtualHostName = (host: string, port: number): string => `${host}:${port}`;

/** Whether a resource of namespace `own` is seen from `viewer`; undefined sees everything. */
export function isVisible(
  exportTo: readonly string[] | undefined,
  own: string,
  viewer: string | undefined,
): boolean {
  if (viewer === undefined || exportTo === undefined || exportTo.length === 0) return true;
  return exportTo.some((scope) => scope === "*" || scope === viewer || (scope === "." && own === viewer));
}

const serviceName = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/;

/** A cluster-local name's shorter forms, longest first: `a.ns.svc`, `a.ns`, and with `bare` also `a`. */
export function shorterForms(host: string, bare: boolean): string[] {
  const parts = serviceName.exec(host);
  if (parts === null) return [];
  const [, name = "", namespace = ""] = parts;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}`, ...(bare ? [name] : [])];
}

/** Name and namespace of a cluster-local host. */
export function localName(host: string): { name: string; namespace: string } | undefined {
  const parts = serviceName.exec(host);
  return parts === null ? undefined : { name: parts[1] ?? "", namespace: parts[2] ?? "" };
}
