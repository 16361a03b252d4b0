// Envoy's Prometheus page, read back: names, labels and values as they are, without their escapes.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** All samples of a page whose name is one of these. */
export function samples(page: string, ...names: string[]): Sample[] {
  return page.split("\n").flatMap((line) => {
    const [, name = "", text = "", value = ""] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    return names.includes(name) ? [{ name, labels: labelsOf(text), value: Number(value) }] : [];
  });
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  return labels;
}

/** Sums by one label, without those that are 0. */
export function sumBy(list: readonly Sample[], label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of list) {
    const key = labels[label] ?? "";
    if (value !== 0) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
