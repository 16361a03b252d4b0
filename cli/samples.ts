// `sluice samples`: the sample services that `sluice up` starts, by themselves, for an Envoy that runs elsewhere.

import { connect } from "node:net";
import type { Command } from "commander";
import { loadFolder } from "../server/source/load.ts";
import { type Instance, instancesOf, startSamples } from "./up/samples.ts";

interface SamplesOptions {
  config: string;
  check?: boolean;
}

const examples = `
Examples:
  $ sluice samples --config examples/ficool            answer on the folder's loopback endpoints
  $ sluice samples --config examples/ficool --check    do they answer?

Exit code: 0 after SIGINT or SIGTERM, or when all answer; 1 when one does not; 2 when they cannot start.`;

export function register(program: Command): void {
  program
    .command("samples")
    .summary("run the sample services of a folder")
    .description(
      "Runs one sample service for every loopback endpoint that a ServiceEntry of the folder names. It answers " +
        "with its version and with what reached it.",
    )
    .requiredOption("--config <dir>", "folder of YAML files, with its sub-folders")
    .option("--check", "start nothing: tell whether each accepts connections")
    .addHelpText("after", examples)
    .action(run);
}

async function run({ config, check }: SamplesOptions): Promise<void> {
  const { resources } = await loadFolder(config);
  const instances = instancesOf(resources);
  if (check) {
    const answers = await Promise.all(instances.map(accepts));
    for (const [index, instance] of instances.entries())
      process.stdout.write(`${nameOf(instance)} ${answers[index] ? "answers" : "does not answer"}\n`);
    process.exitCode = answers.every(Boolean) ? 0 : 1;
    return;
  }
  const samples = await startSamples(instances);
  for (const instance of instances) process.stdout.write(`${nameOf(instance)}\n`);
  if (instances.length === 0)
    process.stdout.write(`no ServiceEntry of ${config} has an HTTP endpoint on loopback\n`);
  await new Promise<void>((resolve) => {
    const waiting = setInterval(() => {}, 2 ** 30); // with no instance nothing else would keep the process
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => {
        clearInterval(waiting);
        resolve();
      });
  });
  await samples.close();
}

const nameOf = ({ service, version, host, port }: Instance): string =>
  `${service} ${version} http://${host.includes(":") ? `[${host}]` : host}:${port}`;

function accepts({ host, port }: Instance): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", end(true)).once("error", end(false)).once("timeout", end(false));
  });
}
