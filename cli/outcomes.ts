// `sluice explain --requests`: many recorded requests, grouped by what becomes of them; with two folders, those of
// which something else becomes in the new one. Each request is looked at by itself, with every bucket full.

import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { type ExplainInput, type Explanation, explain } from "../server/match/explain.ts";
import { type BuiltFolder, buildFolder } from "./folder.ts";
import { type Recorded, readRecorded } from "./recorded.ts";

export interface Outcome {
  /** Requests with it. */
  count: number;
  /** Empty where no route took the request. */
  route: string;
  /** Such as `forwarded to outbound|80|v2|shop` or `answered 429`. */
  outcome: string;
  /** One of them, as `METHOD URL`. */
  example: string;
}

export interface OutcomeChange {
  count: number;
  before: Pick<Outcome, "route" | "outcome">;
  after: Pick<Outcome, "route" | "outcome">;
  example: string;
}

interface Options {
  json: boolean;
  seed?: number;
}

/** Distinct requests; each runs the filters' modules anew. */
const maxDistinct = 20_000;

export async function explainRecorded(
  file: string,
  directories: readonly string[],
  { json, seed }: Options,
): Promise<void> {
  const recorded = readRecorded(file === "-" ? await readAll(process.stdin) : await readFile(file, "utf8"));
  if (recorded.requests.length === 0) {
    const why = recorded.firstSkipped === undefined ? "it is empty" : recorded.firstSkipped;
    throw new Error(`no request can be read from ${file}: ${why}`);
  }
  const inputs = recorded.requests.map((input) => (seed === undefined ? input : { ...input, seed }));
  const results: Outcome[][] = [];
  for (const directory of directories) {
    const folder = await buildFolder(directory);
    if (folder === undefined) return;
    results.push(await outcomesOf(folder, inputs));
  }
  const [first = [], second] = results;
  const report =
    second === undefined
      ? { requests: inputs.length, skipped: recorded.skipped, outcomes: grouped(first) }
      : { requests: inputs.length, skipped: recorded.skipped, changes: changesBetween(first, second) };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report, recorded));
}

/** One for each request, in their order. */
export async function outcomesOf(folder: BuiltFolder, inputs: readonly ExplainInput[]): Promise<Outcome[]> {
  const known = new Map<string, Outcome>();
  const outcomes: Outcome[] = [];
  for (const input of inputs) {
    const key = JSON.stringify(input);
    const outcome = known.get(key) ?? outcomeOf(await explain(folder.built, folder.modules, input), input);
    known.set(key, outcome);
    if (known.size > maxDistinct) {
      throw new Error(`more than ${maxDistinct.toLocaleString("en")} different requests: take a sample`);
    }
    outcomes.push(outcome);
  }
  return outcomes;
}

function outcomeOf({ route, result, policies }: Explanation, input: ExplainInput): Outcome {
  const to = result.destinations.map(({ cluster, share }) =>
    share === 1 ? cluster : `${Number((share * 100).toFixed(2))} % ${cluster}`,
  );
  const decided = policies
    .filter(({ kind, decisions }) => kind === "FaultPolicy" && decisions.length > 0)
    .map(({ policy }) => ` with a fault of ${policy}`);
  const status = result.status === undefined ? "" : ` ${result.status}`;
  const what =
    result.outcome === "forwarded" ? `forwarded to ${to.join(", ")}` : `${result.outcome}${status}`;
  const by = result.outcome === "answered" && policies.length > 0 ? ` (${result.detail})` : "";
  return {
    count: 1,
    route: route?.name ?? "",
    outcome: `${what}${by}${decided.join("")}`,
    example: `${input.method} ${input.scheme}://${input.authority}${input.path}`,
  };
}

/** The most frequent first. */
export function grouped(outcomes: readonly Outcome[]): Outcome[] {
  const groups = new Map<string, Outcome>();
  for (const one of outcomes) {
    const key = `${one.route}\n${one.outcome}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...one });
    else group.count += 1;
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

export function changesBetween(before: readonly Outcome[], after: readonly Outcome[]): OutcomeChange[] {
  const groups = new Map<string, OutcomeChange>();
  for (const [i, old] of before.entries()) {
    const now = after[i];
    if (now === undefined || (old.route === now.route && old.outcome === now.outcome)) continue;
    const key = [old.route, old.outcome, now.route, now.outcome].join("\n");
    const known = groups.get(key);
    if (known !== undefined) known.count += 1;
    else {
      groups.set(key, {
        count: 1,
        before: { route: old.route, outcome: old.outcome },
        after: { route: now.route, outcome: now.outcome },
        example: old.example,
      });
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

interface Report {
  requests: number;
  outcomes?: Outcome[];
  changes?: OutcomeChange[];
}

function render({ requests, outcomes, changes }: Report, { skipped, firstSkipped }: Recorded): string {
  const head = `${requests} requests${skipped === 0 ? "" : `; ${skipped} left out (${firstSkipped})`}`;
  const rows = (outcomes ?? []).map(({ count, route, outcome, example }) => [
    `${String(count).padStart(7)}  ${route || "no route"}: ${outcome}`,
    `         such as ${example}`,
  ]);
  const changed = (changes ?? []).map(({ count, before, after, example }) => [
    `${String(count).padStart(7)}  ${before.route || "no route"}: ${before.outcome}`,
    `      -> ${after.route || "no route"}: ${after.outcome}`,
    `         such as ${example}`,
  ]);
  const none = changes !== undefined && changes.length === 0 ? [["none of them changes its outcome"]] : [];
  return `${[[head], ...rows, ...changed, ...none].flat().join("\n")}\n`;
}
