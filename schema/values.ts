// Texts that stand for quantities: durations, percentages, moments. One reading for validator and server.

const unitNs: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's and Istio's form: `1h30m`, `1.5s`, `100ms`, `0s`; not negative. Undefined for any other text. */
export function parseDuration(text: string): bigint | undefined {
  if (!/^(\d+(\.\d{1,9})?(ns|us|µs|μs|ms|s|m|h))+$/.test(text) || text.length > 64) return undefined;
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(/(\d+)(?:\.(\d+))?([a-zµμ]+)/g)) {
    const scale = unitNs[unit] ?? 0n;
    total += BigInt(whole) * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return total;
}

/** Nanoseconds of a duration that validation has accepted. */
export function durationNs(text: string): bigint {
  const ns = parseDuration(text);
  if (ns === undefined) throw new Error(`not a duration: ${text}`);
  return ns;
}

/** Milliseconds of a duration that validation has accepted; a fraction where it is finer. */
export function durationMs(text: string): number {
  return Number(durationNs(text)) / 1e6;
}

/** A duration in the largest units that say it exactly. */
export function formatDuration(ns: bigint): string {
  if (ns === 0n) return "0s";
  const hours = ns / 3_600_000_000_000n;
  const minutes = (ns % 3_600_000_000_000n) / 60_000_000_000n;
  const rest = ns % 60_000_000_000n;
  const seconds =
    rest === 0n ? "" : rest % 1_000_000_000n === 0n ? `${rest / 1_000_000_000n}s` : `${Number(rest) / 1e6}ms`;
  return `${hours > 0n ? `${hours}h` : ""}${minutes > 0n ? `${minutes}m` : ""}${seconds}`;
}

/** Millionths of `20`, `0.1`, `20%` or `"0.0001 %"`, 0 to 100 with at most four decimals. */
export function parsePercent(value: number | string): number | undefined {
  const text = typeof value === "number" ? String(value) : value.trim().replace(/ ?%$/, "");
  if (!/^\d{1,3}(\.\d{1,4})?$/.test(text)) return undefined;
  const [whole = "0", fraction = ""] = text.split(".");
  const millionths = Number(whole) * 10_000 + Number(fraction.padEnd(4, "0"));
  return millionths <= 1_000_000 ? millionths : undefined;
}

/** Milliseconds since 1970 of an RFC 3339 moment with a zone; undefined for any other text. */
export function parseTimestamp(text: string): number | undefined {
  const form = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (form === null) return undefined;
  const [, year, month, day, hour] = form.map(Number);
  const daysInMonth = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  if ((day ?? 0) > daysInMonth || (hour ?? 0) > 23) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return Number.isNaN(ms) ? undefined : ms;
}
