// The `sluice` command: one file per subcommand, each of which registers itself here.

import { Command, CommanderError } from "commander";
import { register as registerBootstrap } from "./bootstrap.ts";
import { register as registerController } from "./controller.ts";
import { register as registerEffective } from "./effective.ts";
import { register as registerExplain } from "./explain.ts";
import { register as registerFaults } from "./faults.ts";
import { register as registerHistory } from "./history.ts";
import { register as registerRender } from "./render.ts";
import { register as registerPush } from "./push.ts";
import { register as registerSamples } from "./samples.ts";
import { register as registerServe } from "./serve.ts";
import { register as registerStatus } from "./status.ts";
import { register as registerUp } from "./up.ts";
import { register as registerValidate } from "./validate.ts";
import { version } from "./version.ts";

const examples = `
A walk through:
  $ sluice up                                   server, Envoy and three sample services on this machine
  $ sluice validate mesh/                       file:line:column of whatever is wrong
  $ sluice explain --config mesh/ -H 'uid: 0' http://go-search-service:8080/go-search
                                                which route, which policies, and why
  $ sluice effective --config mesh/             which policies are in force where, and whose value stands
  $ sluice serve --config mesh/                 the config server alone
  $ sluice faults off --config mesh/            no injected fault, until \`faults on\`
  $ sluice bootstrap --server 127.0.0.1:18000   a bootstrap for an Envoy of your own
  $ sluice status                               every connected Envoy: ACK or NACK, and why

\`sluice COMMAND --help\` explains a command.`;

export function createProgram(): Command {
  const program = new Command("sluice");
  program
    .description(
      "Traffic policies for Envoy: Istio's YAML and Sluice's policies from a folder, served to Envoy over xDS, " +
        "with filters in WebAssembly. No Kubernetes needed.",
    )
    .version(version, "-v, --version")
    .showSuggestionAfterError()
    .showHelpAfterError("(`--help` tells what there is)")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", examples)
    .exitOverride();
  for (const register of [
    registerUp,
    registerServe,
    registerValidate,
    registerExplain,
    registerEffective,
    registerRender,
    registerController,
    registerStatus,
    registerHistory,
    registerFaults,
    registerBootstrap,
    registerSamples,
    registerPush,
  ]) {
    register(program);
  }
  return program;
}

/** Exit codes: 0, 1 (the configuration is wrong), 2 (usage or environment). */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    // Commander has printed its message; help and version end with 0.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 2;
    }
  }
}

await main(process.argv);
