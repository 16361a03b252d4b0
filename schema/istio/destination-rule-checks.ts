// What the declaration cannot say of a DestinationRule: fields that must agree with each other, and settings
// that would have no effect.

import type { Tell } from "../checks.ts";
import type {
  ClientTls,
  DestinationRuleSpec,
  LoadBalancerSettings,
  LocalityLbSetting,
  PortTrafficPolicy,
  TrafficPolicy,
} from "../generated/types.ts";
import type { FieldPath } from "../path.ts";

export function destinationRule(spec: DestinationRuleSpec, tell: Tell): void {
  trafficPolicy(spec.trafficPolicy, under(tell, ["trafficPolicy"]));
  for (const [i, subset] of (spec.subsets ?? []).entries())
    trafficPolicy(subset.trafficPolicy, under(tell, ["subsets", i, "trafficPolicy"]));
}

const under =
  (tell: Tell, prefix: FieldPath): Tell =>
  (severity, path, message) =>
    tell(severity, [...prefix, ...path], message);

function trafficPolicy(policy: TrafficPolicy | undefined, tell: Tell): void {
  if (policy === undefined) return;
  settings(policy, tell);
  const ports = policy.portLevelSettings ?? [];
  for (const [i, port] of ports.entries()) {
    settings(port, under(tell, ["portLevelSettings", i]));
    const first = ports.findIndex((p) => p.port.number === port.port.number);
    if (first < i)
      tell(
        "error",
        ["portLevelSettings", i, "port", "number"],
        `\`portLevelSettings[${first}]\` is for port ${port.port.number} already; write both as one`,
      );
  }
}

function settings(policy: TrafficPolicy | PortTrafficPolicy, tell: Tell): void {
  const { loadBalancer, connectionPool, outlierDetection, tls } = policy;
  if (loadBalancer !== undefined) balancer(loadBalancer, under(tell, ["loadBalancer"]));
  if (connectionPool?.http?.useClientProtocol === true && connectionPool.http.h2UpgradePolicy === "UPGRADE")
    tell(
      "error",
      ["connectionPool", "http", "useClientProtocol"],
      "HTTP/2 for all and the client's protocol exclude each other; remove this or `h2UpgradePolicy`",
    );
  if (
    outlierDetection?.consecutiveLocalOriginFailures &&
    outlierDetection.splitExternalLocalOriginErrors !== true
  )
    tell(
      "error",
      ["outlierDetection", "consecutiveLocalOriginFailures"],
      "is counted only with `splitExternalLocalOriginErrors: true`; add that",
    );
  if (tls !== undefined) clientTls(tls, under(tell, ["tls"]));
}

function balancer(settings: LoadBalancerSettings, tell: Tell): void {
  const { simple, consistentHash, warmup, warmupDurationSecs, localityLbSetting } = settings;
  if (simple === "LEAST_CONN")
    tell("warning", ["simple"], "LEAST_CONN is the old name of LEAST_REQUEST; write that");
  if (simple === "PASSTHROUGH")
    tell(
      "warning",
      ["simple"],
      "only connections that are redirected to the proxy (iptables) have an address to go to; other requests are answered 503",
    );
  const tableSize = consistentHash?.maglev?.tableSize;
  if (tableSize !== undefined && !isPrime(tableSize))
    tell(
      "error",
      ["consistentHash", "maglev", "tableSize"],
      `${tableSize} is not a prime number; write ${nextPrime(tableSize)}`,
    );
  const slow = warmup !== undefined ? "warmup" : warmupDurationSecs !== undefined ? "warmupDurationSecs" : "";
  if (slow !== "" && (consistentHash !== undefined || simple === "RANDOM" || simple === "PASSTHROUGH"))
    tell("warning", [slow], "has an effect with ROUND_ROBIN and LEAST_REQUEST only");
  if (warmup?.aggression === 0) tell("error", ["warmup", "aggression"], "0 is not above 0; remove it for 1");
  if (localityLbSetting !== undefined) localities(localityLbSetting, under(tell, ["localityLbSetting"]));
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}

/** The next one above, or where that is too large for Envoy the largest one allowed. */
function nextPrime(from: number): number {
  let n = from + 1;
  while (!isPrime(n)) n++;
  return Math.min(n, 5_000_011);
}

function localities(
  { distribute = [], failover = [], failoverPriority = [] }: LocalityLbSetting,
  tell: Tell,
): void {
  for (const [i, { from, to }] of distribute.entries()) {
    const at: FieldPath = ["distribute", i];
    localityPattern(from, under(tell, [...at, "from"]));
    for (const pattern of Object.keys(to)) localityPattern(pattern, under(tell, [...at, "to", pattern]));
    overlaps(Object.keys(to), under(tell, [...at, "to"]));
    const sum = Object.values(to).reduce((a, b) => a + b, 0);
    if (sum !== 100) tell("error", [...at, "to"], `the shares add up to ${sum}; they are percentages of 100`);
  }
  for (const [i, { from, to }] of failover.entries()) {
    for (const [field, region] of Object.entries({ from, to }))
      if (/[/*]/.test(region))
        tell("error", ["failover", i, field], `"${region}" is not a region by itself; write its name alone`);
    if (from === to)
      tell("error", ["failover", i, "to"], `"${to}" is where the requests come from; name another region`);
  }
  const topology = failoverPriority.findIndex((label) =>
    /^topology\.(kubernetes|istio)\.io\/(region|zone|subzone)/.test(label),
  );
  if (failover.length > 0 && topology >= 0)
    tell(
      "error",
      ["failoverPriority", topology],
      "`failover` already orders endpoints by region, zone and sub-zone; remove one of both",
    );
}

function localityPattern(text: string, tell: Tell): void {
  const parts = text.split("/");
  const star = parts.indexOf("*");
  if (parts.length <= 3 && !parts.includes("") && (star < 0 || star === parts.length - 1)) return;
  tell(
    "error",
    [],
    `"${text}" is not a locality; write region, region/zone, region/zone/subzone, or a * at the end`,
  );
}

/** A locality that two entries name would be served by whichever comes first. */
function overlaps(patterns: readonly string[], tell: Tell): void {
  const plain = (pattern: string) => pattern.replace(/\/?\*$/, "");
  for (const [i, pattern] of patterns.entries()) {
    const wider = patterns.find(
      (other, j) => j !== i && (plain(other) === "" || `${plain(pattern)}/`.startsWith(`${plain(other)}/`)),
    );
    if (wider === undefined) continue;
    tell(
      "error",
      [pattern],
      `lies within "${wider}", which is named too; name localities that exclude each other`,
    );
  }
}

const certificateFiles = ["clientCertificate", "privateKey"] as const;

function clientTls(tls: ClientTls, tell: Tell): void {
  const given = certificateFiles.filter((field) => tls[field] !== undefined);
  if (tls.credentialName !== undefined) {
    const files = [
      ...given,
      ...(["caCertificates", "caCrl"] as const).filter((field) => tls[field] !== undefined),
    ];
    for (const field of files)
      tell("error", [field], "is not read where `credentialName` names a Secret; remove one of both");
  } else if (tls.mode === "MUTUAL") {
    for (const field of certificateFiles)
      if (tls[field] === undefined)
        tell("error", [], `MUTUAL needs \`${field}\`, a file in PEM, or \`credentialName\``);
  } else {
    for (const field of given)
      tell("warning", [field], `has no effect with mode ${tls.mode}; write MUTUAL to send a certificate`);
  }
  if (tls.insecureSkipVerify !== true || tls.mode === "DISABLE") return;
  for (const field of ["caCertificates", "caCrl", "subjectAltNames"] as const)
    if (tls[field] !== undefined)
      tell("error", [field], "is not looked at with `insecureSkipVerify: true`; remove one of both");
}
