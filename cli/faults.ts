// `sluice faults`: one switch for all faults of a folder, and the list of them. The switch is a small resource file,
// so that it is versioned with the rest, and it is in effect as soon as any saved file.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { formatDiagnostic } from "../schema/diagnostic.ts";
import type { FaultSpec } from "../schema/generated/types.ts";
import { endOf, faultText, timeLeft } from "../server/policy/fault-text.ts";
import { withIstioFaults } from "../server/policy/istio-faults.ts";
import { isSwitchedOff, policyGroup } from "../server/policy/kinds.ts";
import type { Resource } from "../server/model.ts";
import { loadFolder } from "../server/source/load.ts";

export const switchFile = "sluice-faults.yaml";

interface Options {
  config: string;
  json?: boolean;
  reason?: string;
}

const examples = `
Examples:
  $ sluice faults list --config mesh/           every fault: what, whom, until when
  $ sluice faults off --config mesh/            none of them, from now on
  $ sluice faults on --config mesh/             as the policies say again

"off" writes DIR/${switchFile} (a FaultSwitch), "on" removes it. Requests that wait finish as decided.
Exit code: 0, 1 when the configuration is wrong, 2 on wrong usage.`;

export function register(program: Command): void {
  const faults = program
    .command("faults")
    .summary("switch all faults off or on, and list them")
    .description("Switches every FaultPolicy of a folder off or on, or lists what they do.")
    .addHelpText("after", examples);
  const subcommand = (name: string, what: string): Command =>
    faults.command(name).description(what).option("-c, --config <dir>", "folder of YAML", "examples/ficool");
  subcommand("off", "no fault at all, until `sluice faults on`")
    .option("--reason <text>", "for those who find the file")
    .action(switchOff);
  subcommand("on", "faults as the policies say").action(switchOn);
  subcommand("list", "every fault: what it does, to whom, where, until when")
    .option("--json", "print a JSON array")
    .action(list);
}

function folderOf({ config }: Options): string {
  if (!existsSync(config)) throw new Error(`there is no ${config}: name a folder as --config`);
  return config;
}

function switchOff(options: Options): void {
  const path = join(folderOf(options), switchFile);
  const reason = options.reason === undefined ? "" : `  reason: ${JSON.stringify(options.reason)}\n`;
  const text = `# Written by \`sluice faults off\`; \`sluice faults on\` removes it.
apiVersion: ${policyGroup}/v1alpha1
kind: FaultSwitch
metadata: {name: faults}
spec:
  disabled: true
${reason}`;
  writeFileSync(path, text);
  process.stdout.write(`faults are off: ${path}\n`);
}

async function switchOn(options: Options): Promise<void> {
  const folder = folderOf(options);
  const path = join(folder, switchFile);
  if (existsSync(path)) {
    if (!/^kind: FaultSwitch$/m.test(readFileSync(path, "utf8")))
      throw new Error(`${path} holds something else; remove the FaultSwitch from it by hand`);
    rmSync(path);
  }
  const { resources } = await loadFolder(folder);
  const other = resources.find(isSwitchedOff);
  if (other === undefined) {
    process.stdout.write("faults are on\n");
    return;
  }
  const { file, line } = other.position();
  process.stderr.write(`faults are still off: ${file}:${line} has a FaultSwitch; remove it\n`);
  process.exitCode = 1;
}

export interface ListedFault {
  policy: string;
  fault: string;
  does: string;
  where: string;
  timeLeft: string;
  file: string;
  line: number;
  off: boolean;
}

/** Every fault of the resources, those of VirtualServices too. */
export function listFaults(resources: readonly Resource[], now: Date): ListedFault[] {
  const off = resources.some(isSwitchedOff);
  return withIstioFaults(resources)
    .filter((resource) => resource.group === policyGroup && resource.kind === "FaultPolicy")
    .flatMap((resource) => {
      const spec = resource.spec as FaultSpec;
      return spec.faults.map((fault, i) => {
        const { file, line } = resource.position(["spec", "faults", i]);
        return {
          policy: `${resource.namespace}/${resource.name}`,
          fault: fault.name,
          does: faultText(fault),
          where: whereOf(spec),
          timeLeft: timeLeft(endOf(spec, fault), now),
          file,
          line,
          off,
        };
      });
    });
}

function whereOf({ targetRefs = [] }: FaultSpec): string {
  if (targetRefs.length === 0) return "every route";
  return targetRefs
    .map(
      ({ kind, name, sectionName }) => `${kind} ${name}${sectionName === undefined ? "" : `/${sectionName}`}`,
    )
    .join(", ");
}

async function list(options: Options): Promise<void> {
  const { resources, diagnostics } = await loadFolder(folderOf(options));
  const errors = diagnostics.filter((d) => d.severity === "error");
  for (const d of errors) process.stderr.write(`${formatDiagnostic(d)}\n`);
  if (errors.length > 0) process.exitCode = 1;
  const listed = listFaults(resources, new Date());
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(listed, undefined, 2)}\n`);
    return;
  }
  if (listed.length === 0) process.stdout.write("there are no faults\n");
  if (listed.some((one) => one.off)) process.stdout.write("all faults are off: `sluice faults on`\n");
  for (const one of listed) {
    process.stdout.write(`${one.policy}/${one.fault}  ${one.timeLeft}\n`);
    process.stdout.write(`  ${one.does}\n  on ${one.where}  (${one.file}:${one.line})\n`);
  }
}
