// What a panel is, and pieces that queries are made of.

export interface Query {
  expr: string;
  /** Of each series; `{{label}}` is filled in. */
  legend: string;
}

export interface Panel {
  title: string;
  /** What to know when reading it. */
  description: string;
  kind: "timeseries" | "stat" | "table";
  /** Grafana's name. */
  unit: "reqps" | "percentunit" | "ms" | "short" | "bytes" | "ops";
  queries: readonly Query[];
  /** Of 24 columns. */
  width: number;
  stacked?: boolean;
  /** From here on a stat is red. */
  redFrom?: number;
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

/** Per second, over what Grafana finds fit for the width of the picture. */
export const rate = (series: string): string => `rate(${series}[$__rate_interval])`;

/** A sum that is 0 where nothing of the kind was ever counted. */
export const sumOrZero = (series: string): string => `(sum(${rate(series)}) or vector(0))`;
