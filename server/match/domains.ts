// Which virtual host serves a Host header: exact names first, then the longest `*suffix`, the longest
// `prefix*`, then `*`; without regard to case. The order is Envoy's.

export interface HasDomains {
  domains: readonly string[];
}

export function findVirtualHost<V extends HasDomains>(
  virtualHosts: readonly V[],
  authority: string,
  ignorePort: boolean,
): { virtualHost: V; domain: string } | undefined {
  const host = (ignorePort ? authority.replace(/:\d+$/, "") : authority).toLowerCase();
  let best: { virtualHost: V; domain: string; rank: number } | undefined;
  for (const virtualHost of virtualHosts) {
    for (const domain of virtualHost.domains) {
      const rank = rankOf(domain.toLowerCase(), host);
      if (rank > 0 && (best === undefined || rank > best.rank)) best = { virtualHost, domain, rank };
    }
  }
  return best && { virtualHost: best.virtualHost, domain: best.domain };
}

/** 0: no match; higher is preferred. A wildcard stands for at least one character. */
function rankOf(domain: string, host: string): number {
  const longest = 1 << 20;
  if (domain === host) return 3 * longest;
  if (domain === "*") return 1;
  if (host.length < domain.length) return 0;
  if (domain.startsWith("*") && host.endsWith(domain.slice(1))) return 2 * longest + domain.length;
  if (domain.endsWith("*") && host.startsWith(domain.slice(0, -1))) return longest + domain.length;
  return 0;
}
