// A reporter of node:test for scripts/test.mjs: the counts, what was skipped, and each failure in full, as JSON.
// A test that only holds other tests is not counted when it fails by theirs.

import { relative, resolve } from "node:path";
import { inspect } from "node:util";

export default async function* tally(source) {
  const counts = { passed: 0, failed: 0, skipped: [], failures: [] };
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (type === "test:pass" && (data.details.type === "suite" || isFile(data))) continue;
    if (data.skip !== undefined || data.todo !== undefined) {
      counts.skipped.push(
        `${placeOf(data)}: ${data.name}${typeof data.skip === "string" ? ` (${data.skip})` : ""}`,
      );
    } else if (type === "test:pass") counts.passed++;
    else if (data.details.error?.failureType !== "subtestsFailed") {
      counts.failed++;
      counts.failures.push({ name: `${placeOf(data)}: ${data.name}`, text: textOf(data.details.error) });
    }
  }
  yield JSON.stringify(counts);
}

/** A file without a test passes as a whole. */
const isFile = ({ name, file }) => file !== undefined && resolve(name) === file;

function placeOf({ file, line }) {
  if (file === undefined) return "?";
  return `${relative(process.cwd(), file)}${line === undefined ? "" : `:${line}`}`;
}

/** The runner wraps what the test threw. */
function textOf(error) {
  const thrown = error?.cause ?? error;
  return typeof thrown === "string" ? thrown : inspect(thrown, { colors: false });
}
