// A reporter of node:test for people: one line per test, indented by nesting, under its file's name.

import { relative } from "node:path";

export default async function* report(source) {
  let shownFile;
  for await (const { type, data } of source) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    const file = data.file === undefined ? "" : relative(process.cwd(), data.file);
    if (file !== shownFile && file !== "") {
      shownFile = file;
      yield `\n${file}\n`;
    }
    const mark =
      data.skip !== undefined ? "-" : data.todo !== undefined ? "…" : type === "test:pass" ? "✓" : "✗";
    const time =
      data.details.duration_ms >= 1000 ? ` (${(data.details.duration_ms / 1000).toFixed(1)} s)` : "";
    yield `${"  ".repeat(data.nesting + 1)}${mark} ${data.name}${time}\n`;
  }
}
