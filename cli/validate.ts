// `sluice validate`: everything that is wrong with some files, before a server or an Envoy sees them.

import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { type Diagnostic, formatDiagnostic } from "../schema/diagnostic.ts";
import { projectRoot } from "../envoy/root.ts";
import type { Resource } from "../server/model.ts";
import { type Target, targets, unavailable } from "../server/render/availability.ts";
import { refusalDiagnostic } from "../server/refusal.ts";
import { build, checkReferences, loadModules, type SnapshotOptions } from "../server/snapshot.ts";
import { loadPaths } from "../server/source/load.ts";
import { createStages } from "../server/stages.ts";

export interface ValidateOptions {
  json?: boolean;
  strict?: boolean;
  target?: Target;
}

export interface Validation {
  resources: number;
  errors: number;
  warnings: number;
  /** References and filters were checked too: no document had to be left out. */
  complete: boolean;
  diagnostics: readonly Diagnostic[];
}

const examples = `
Examples:
  $ sluice validate mesh/                     every YAML and JSON file of a folder
  $ sluice validate a.yaml b.yaml             several files as one mesh
  $ sluice validate --strict mesh/            warnings fail too
  $ sluice validate --target istio mesh/      also what would do nothing in Istio's proxies
  $ sluice validate --json mesh/ | jq '.diagnostics[].message'

Exit code: 0 when there is no error, 1 when there is, 2 when a path does not exist.`;

export function register(program: Command): void {
  program
    .command("validate")
    .summary("say what is wrong with files: file:line:column and what to write")
    .description(
      "Reads files and folders of Istio resources and policies as a server would, and prints every error and " +
        "warning with its place and what to write instead. Checks the YAML, the fields, the references between " +
        "resources, and runs every filter's configuration through the filter itself.",
    )
    .argument("<path...>", "files or folders; together they are one mesh")
    .option("--json", "print one JSON object")
    .option("--strict", "fail on warnings too")
    .addOption(
      new Option("--target <target>", "whose listeners the policies are for; default: our server's").choices(
        targets,
      ),
    )
    .addHelpText("after", examples)
    .action(run);
}

async function run(paths: string[], options: ValidateOptions): Promise<void> {
  const { out, err, code } = await report(paths, options);
  process.stdout.write(out);
  process.stderr.write(err);
  process.exitCode = code;
}

/** What the command prints, and its exit code. */
export async function report(
  paths: readonly string[],
  options: ValidateOptions,
): Promise<{ out: string; err: string; code: number }> {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0)
    return { out: "", err: `sluice: there is no file or folder ${missing.join(", ")}\n`, code: 2 };
  const result = await validatePaths(paths, options.target);
  const failed = result.errors > 0 || (options.strict === true && result.warnings > 0);
  const out = options.json ? `${JSON.stringify(asJson(result), null, 2)}\n` : format(result);
  return { out, err: "", code: failed ? 1 : 0 };
}

export async function validatePaths(paths: readonly string[], target?: Target): Promise<Validation> {
  const loaded = await loadPaths(await distinct(paths));
  const diagnostics = [...loaded.diagnostics];
  if (target !== undefined) diagnostics.push(...unavailable(target, loaded.resources));
  if (loaded.complete) diagnostics.push(...checkReferences(loaded.resources));
  if (loaded.complete && !diagnostics.some(isError))
    diagnostics.push(...(await checkFilters(loaded.resources, paths[0] ?? "")));
  diagnostics.sort(byPlace);
  const errors = diagnostics.filter(isError).length;
  return {
    resources: loaded.resources.length,
    errors,
    warnings: diagnostics.length - errors,
    complete: loaded.complete,
    diagnostics,
  };
}

const isError = (d: Diagnostic) => d.severity === "error";

/** Every plugin's configuration through its release module, where that is built. */
async function checkFilters(resources: readonly Resource[], directory: string): Promise<Diagnostic[]> {
  const modules = loadModules(join(projectRoot, "build/filters"));
  const options: SnapshotOptions = { listen: { host: "127.0.0.1", port: 0 }, modules, delivery: "inline" };
  const stages = createStages(options);
  const diagnostics: Diagnostic[] = [];
  for (const { filter, configuration } of build(resources, options).plugins) {
    const result = await stages.check(filter, configuration);
    if (!result.ok)
      diagnostics.push(
        refusalDiagnostic({ filter, configuration, refusal: result.refusal, resources, directory }),
      );
  }
  return diagnostics;
}

/** A file named beside the folder that holds it would otherwise seem to be there twice. */
async function distinct(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(
    paths.map(async (path) => ({ path, real: await realpath(path).catch(() => resolve(path)) })),
  );
  return real
    .filter(({ real: own }, i) => !real.some((other, j) => j !== i && covers(other.real, own, j < i)))
    .map(({ path }) => path);
}

const covers = (outer: string, inner: string, isEarlier: boolean) =>
  outer === inner ? isEarlier : inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);

function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

function format(result: Validation): string {
  const lines = result.diagnostics.map(formatDiagnostic);
  const counts = `${counted(result.errors, "error")}, ${counted(result.warnings, "warning")}`;
  const rest = result.complete ? "" : "; references between resources are checked once the errors are gone";
  lines.push(
    `${counted(result.resources, "resource")}: ${result.errors + result.warnings === 0 ? "valid" : counts}${rest}`,
  );
  return lines.map((line) => `${line}\n`).join("");
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

function asJson(result: Validation): unknown {
  const { diagnostics, ...counts } = result;
  return { valid: result.errors === 0, ...counts, diagnostics };
}
