// Figures as a table for people and as a picture.

import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";

export const processor = (): string => `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}`;

/** A table in Markdown; the first column is text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    `|${head.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}

/** Writes bench/results/NAME, and prints what people read. */
export async function publish(name: string, text: string): Promise<void> {
  const directory = join(projectRoot, "bench/results");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, name), text);
  if (name.endsWith(".md")) process.stdout.write(`\n${text}`);
}

export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

export interface Bar {
  name: string;
  /** CPU that is added to a request, in microseconds. */
  added: number;
}

const rowHeight = 34;
const labelWidth = 500;
const barWidth = 360;

export function plot(bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ added }) => added), 0.1);
  const drawn = bars.map(({ name, added }, index) => {
    const y = 44 + index * rowHeight;
    const width = Math.max(1, (Math.max(0, added) / most) * barWidth);
    const colour = /native|no filter|peer|SDK|classes|bare|empty/.test(name) ? "#94a3b8" : "#0891b2";
    return (
      `<text x="${labelWidth - 10}" y="${y + 15}" text-anchor="end">${name}</text>` +
      `<rect x="${labelWidth}" y="${y}" width="${width.toFixed(1)}" height="20" rx="3" fill="${colour}"/>` +
      `<text x="${labelWidth + width + 8}" y="${y + 15}">${added.toFixed(1)} µs</text>`
    );
  });
  const height = 60 + bars.length * rowHeight;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 ${height}" font-family="ui-sans-serif, system-ui, sans-serif" ` +
    `font-size="12.5" fill="#0f172a"><rect width="960" height="${height}" rx="12" fill="#ffffff"/>` +
    `<text x="20" y="26" font-weight="600">CPU added to a request</text>${drawn.join("")}</svg>\n`
  );
}
