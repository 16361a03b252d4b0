// The figures as a table for people and as a picture.

export interface Row {
  name: string;
  /** CPU of the worker per request, 25th percentile of the rounds. */
  microseconds: number;
  /** The same less that of an Envoy without a filter. */
  added: number;
  /** `added` over that of the native chain. */
  ratio: number;
  /** From the 25th to the 75th percentile, in microseconds. */
  spread: number;
}

export interface Conditions {
  rounds: number;
  requestsPerRun: number;
  processor: string;
}

export function table(rows: readonly Row[], { rounds, requestsPerRun, processor }: Conditions): string {
  const lines = rows.map(
    ({ name, microseconds, added, ratio, spread }) =>
      `| ${name} | ${microseconds.toFixed(1)} | ${added.toFixed(1)} | ${ratio.toFixed(2)} | ${spread.toFixed(1)} |`,
  );
  return [
    "# CPU per request",
    "",
    `Made by \`npm run bench\`: ${rounds} rounds of ${requestsPerRun} requests each, interleaved; HTTP/1.1, direct`,
    `response, one worker per Envoy 1.40; ${processor}. Microseconds of the worker thread, 25th percentile. The`,
    "ratios are what to trust; absolute times depend on the machine and on what else it does.",
    "",
    "| contestant | µs per request | added µs | ratio to the native chain | spread µs |",
    "|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}

const rowHeight = 34;
const labelWidth = 430;
const barWidth = 420;

export function plot(rows: readonly Row[]): string {
  const most = Math.max(...rows.map(({ added }) => added), 0.1);
  const bars = rows.map(({ name, added }, index) => {
    const y = 44 + index * rowHeight;
    const width = Math.max(1, (Math.max(0, added) / most) * barWidth);
    const colour = /native|no filter/.test(name) ? "#94a3b8" : "#0891b2";
    return (
      `<text x="${labelWidth - 10}" y="${y + 15}" text-anchor="end">${name}</text>` +
      `<rect x="${labelWidth}" y="${y}" width="${width.toFixed(1)}" height="20" rx="3" fill="${colour}"/>` +
      `<text x="${labelWidth + width + 8}" y="${y + 15}">${added.toFixed(1)} µs</text>`
    );
  });
  const height = 60 + rows.length * rowHeight;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 ${height}" font-family="ui-sans-serif, system-ui, sans-serif" ` +
    `font-size="13" fill="#0f172a"><rect width="960" height="${height}" rx="12" fill="#ffffff"/>` +
    `<text x="20" y="26" font-weight="600">CPU added to a request</text>${bars.join("")}</svg>\n`
  );
}
