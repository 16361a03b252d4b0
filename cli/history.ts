// `sluice history` and `sluice diff`: the snapshots that a server has served, and what changed between two of them.

import type { Command } from "commander";
import { History, type HistoryEntry, UnknownVersion } from "../server/history.ts";
import { type DiffReport, diff, type HistoryReport } from "../server/http/history.ts";
import type { ResourceDifference } from "../server/resource-diff.ts";
import { ask } from "./api.ts";

interface HistoryOptions {
  server: string;
  state?: string;
  config: string;
  json?: boolean;
}

const examples = `
Examples:
  $ sluice history                                     of the server of this machine
  $ sluice history --state /var/lib/sluice --config mesh/    without one
  $ sluice diff 3f9c b21e                              what changed from one version to another
  $ sluice serve --config mesh/ --state /var/lib/sluice --pin 3f9c    serve it again

The first letters of a version are enough. Exit code: 0, 1 when there is no such version, 2 when the server
cannot be reached.`;

export function register(program: Command): void {
  const history = program
    .command("history")
    .summary("list the snapshots that were served")
    .description(
      "Lists the snapshots that a server with --state has served, newest first, with what changed.",
    );
  const difference = program
    .command("diff")
    .summary("say what changed between two snapshots")
    .description("Compares the resources of two versions of the history, field by field.")
    .argument("<from>", "a version, or how it begins")
    .argument("<to>", "a version, or how it begins");
  for (const command of [history, difference]) {
    command
      .option("--server <url>", "address of the server's HTTP port", "http://127.0.0.1:8080")
      .option("--state <dir>", "read this state directory instead of asking a server")
      .option("-c, --config <dir>", "the folder that the server serves, with --state", "examples/ficool")
      .option("--json", "print one JSON object")
      .addHelpText("after", examples);
  }
  history.action(runHistory);
  difference.action(runDiff);
}

async function runHistory(options: HistoryOptions): Promise<void> {
  const { server, state, config, json } = options;
  const report: HistoryReport =
    state === undefined
      ? await ask<HistoryReport>(server, "history")
      : { entries: await new History(state, config).list() };
  process.stdout.write(
    json === true ? `${JSON.stringify(report, null, 2)}\n` : renderHistory(report.entries),
  );
}

async function runDiff(from: string, to: string, options: HistoryOptions): Promise<void> {
  const { server, state, config, json } = options;
  try {
    const report =
      state === undefined
        ? await ask<DiffReport>(server, `diff?${new URLSearchParams({ from, to })}`)
        : await diff(new History(state, config), from, to);
    process.stdout.write(json === true ? `${JSON.stringify(report, null, 2)}\n` : renderDiff(report));
  } catch (error) {
    if (!(error instanceof UnknownVersion)) throw error;
    process.stderr.write(`sluice: ${error.message}\n`);
    process.exitCode = 1;
  }
}

const shownChanges = 4;

export function renderHistory(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return "no snapshot is kept\n";
  return entries
    .map(({ version, at, changes, changeCount, resourceCount }) => {
      const shown = changes.slice(0, shownChanges).map((c) => `${c.action} ${c.resource}`);
      const more = changeCount > shown.length ? [`and ${changeCount - shown.length} more`] : [];
      const what = changeCount === 0 ? `${resourceCount} resources` : [...shown, ...more].join(", ");
      return `${at}  ${version}  ${what}\n`;
    })
    .join("");
}

export function renderDiff({ from, to, changes }: DiffReport): string {
  const lines = changes.length === 0 ? ["no difference"] : changes.flatMap(changeLines);
  return [`from ${from} to ${to}`, ...lines].map((line) => `${line}\n`).join("");
}

function changeLines({ action, resource, fields }: ResourceDifference): string[] {
  const mark = { added: "+", removed: "-", changed: "~" }[action];
  return [
    `${mark} ${resource}`,
    ...fields.map(({ path, before, after }) => {
      if (before === undefined) return `    ${path}: added ${text(after)}`;
      return after === undefined
        ? `    ${path}: removed, was ${text(before)}`
        : `    ${path}: ${text(before)} -> ${text(after)}`;
    }),
  ];
}

function text(value: unknown): string {
  const whole = typeof value === "string" ? value : JSON.stringify(value);
  return whole.length <= 200 ? whole : `${whole.slice(0, 200)}...`;
}
