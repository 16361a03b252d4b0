// Numbers as people read them: three significant digits, a unit, and never more than fits a node of the graph.

/** A rate per second: `0`, `0.4`, `12.3`, `840`, `1.2k`. */
export function rate(value: number): string {
  if (value === 0) return "0";
  if (value < 0.05) return "<0.1";
  return short(value);
}

/** A count: `12`, `1,234`, `1.2M`. */
export function count(value: number): string {
  const whole = Math.round(value);
  return whole < 100_000 ? whole.toLocaleString("en-US") : short(whole);
}

function short(value: number): string {
  for (const [unit, size] of [
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (value >= size * 0.9995) return `${digits(value / size)}${unit}`;
  }
  return digits(value);
}

const digits = (value: number): string =>
  value < 99.95 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value).toString();

/** Milliseconds as `<1 ms`, `12 ms`, `1.2 s`; `–` when there was none. */
export function milliseconds(value: number | null): string {
  if (value === null) return "–";
  if (value < 1) return "<1 ms";
  if (value < 10) return `${value.toFixed(1).replace(/\.0$/, "")} ms`;
  return value < 1000 ? `${Math.round(value)} ms` : `${digits(value / 1000)} s`;
}

/** A part of a whole in percent; what is not quite nothing is not shown as nothing. */
export function percent(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  const value = (part / whole) * 100;
  if (value < 0.1) return "<0.1 %";
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} %`;
}

/** How long ago, roughly. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

/** `search` and `ficool` of `search.ficool.svc.cluster.local`; any other host is its own name. */
export function serviceName(host: string): { name: string; place: string } {
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host) ?? [];
  return name === undefined || namespace === undefined
    ? { name: host, place: "" }
    : { name, place: namespace };
}

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;
