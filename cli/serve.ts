// `sluice serve`: the config server alone, for Envoys that run elsewhere.

import { join } from "node:path";
import { type Command, Option } from "commander";
import { projectRoot } from "../envoy/root.ts";
import { createLogger } from "../server/log.ts";
import { loadModules } from "../server/policy/modules.ts";
import {
  CannotStart,
  formatDiagnostics,
  InvalidConfiguration,
  type RunningServer,
  serve,
} from "../server/serve.ts";
import type { TlsFiles } from "../server/xds/server.ts";
import { formatHostPort, type HostPort, parseHostPort } from "./address.ts";
import { addObservabilityFlags, type ObservabilityFlags, observabilityOf } from "./observability.ts";
import { version } from "./version.ts";

interface ServeCommandOptions extends ObservabilityFlags {
  config: string;
  http: HostPort;
  httpName?: string[];
  xds: HostPort;
  listen: HostPort;
  state?: string;
  lastGood?: boolean;
  pin?: string;
  xdsCert?: string;
  xdsKey?: string;
  xdsClientCa?: string;
}

const filtersDirectory = join(projectRoot, "build", "filters");

const examples = `
Examples:
  $ sluice serve --config mesh/                       YAML files in, Envoy's xDS out
  $ sluice bootstrap --server 127.0.0.1:18000         the bootstrap for an Envoy of your own
  $ sluice status                                     who is connected, and who refused what
  $ sluice serve --config mesh/ --state /var/lib/sluice --last-good
                                                      start even if the folder is in error now
  $ sluice serve --config mesh/ --state /var/lib/sluice --pin 3f9c
                                                      an earlier version: \`sluice history\` lists them
  $ sluice serve --config mesh/ --xds 0.0.0.0:18000 --xds-cert server.pem --xds-key server.key \\
      --xds-client-ca proxies.pem                     proxies on other machines, both sides proven

A saved file takes effect at once. A file in error changes nothing: the last good version goes on, and the
error stands in the log, under /api/v1/snapshot and in \`sluice status\`.

Exit code: 0 after SIGINT or SIGTERM, 1 when the configuration is in error at the start, 2 when it cannot
start for another reason.`;

export function register(program: Command): void {
  const command = program
    .command("serve")
    .summary("serve a folder of YAML to Envoys")
    .description(
      "Reads a folder of Istio and Sluice resources, follows its changes, and serves them over xDS to every " +
        "Envoy that connects. Everything binds to 127.0.0.1 unless an address is given.",
    )
    .requiredOption("--config <dir>", "folder of YAML files, with its sub-folders")
    .addOption(port("--http", "dashboard, API and metrics", "8080"))
    .option("--http-name <name...>", "the only names, beside loopback's, that --http answers to")
    .addOption(port("--xds", "where Envoys connect", "18000"))
    .addOption(port("--listen", "where Envoys listen for the mesh", "10000"))
    .option("--state <dir>", "directory in which the last good configuration and the history are kept")
    .option("--last-good", "start with the last good configuration of --state when the folder is in error")
    .option("--pin <version>", "serve this version of the history in --state, whatever the folder holds")
    .option("--xds-cert <file>", "certificate of the xDS port (PEM)")
    .option("--xds-key <file>", "its private key (PEM)")
    .option("--xds-client-ca <file>", "let in only proxies whose certificate this authority signed (PEM)")
    .addHelpText("after", examples)
    .action(run);
  addObservabilityFlags(command);
}

function port(flag: string, description: string, standard: string): Option {
  return new Option(`${flag} <[host:]port>`, description)
    .argParser(parseHostPort)
    .default(parseHostPort(standard), standard);
}

async function run(options: ServeCommandOptions): Promise<void> {
  const logger = createLogger();
  try {
    const server = await start(options, logger);
    await untilSignal();
    logger.info({ event: "stop" }, "stopping");
    await server.close();
  } catch (error) {
    if (error instanceof InvalidConfiguration) {
      process.stderr.write(`${formatDiagnostics(error.diagnostics)}sluice: ${error.message}\n`);
      process.exitCode = 1;
    } else if (error instanceof CannotStart) {
      process.stderr.write(`sluice: ${error.message}\n`);
      process.exitCode = 2;
    } else {
      throw error;
    }
  }
}

async function start(
  options: ServeCommandOptions,
  logger: ReturnType<typeof createLogger>,
): Promise<RunningServer> {
  const { config, http, xds, listen, state, lastGood, pin } = options;
  if (lastGood && state === undefined)
    throw new CannotStart("--last-good needs --state DIR, where it is kept");
  const tls = tlsOf(options);
  const modules = loadModules(filtersDirectory);
  if (Object.keys(modules).length === 0) {
    throw new CannotStart(`there are no filters in ${filtersDirectory}; run \`npm run build\``);
  }
  const server = await serve({
    config,
    http,
    xds,
    listen,
    modules,
    logger,
    version,
    observability: observabilityOf(options),
    ...(options.httpName === undefined ? {} : { httpNames: options.httpName }),
    ...(state === undefined ? {} : { state }),
    ...(lastGood === undefined ? {} : { lastGood }),
    ...(pin === undefined ? {} : { pin }),
    ...(tls === undefined ? {} : { tls }),
  });
  const address = formatHostPort({ host: http.host, port: server.httpPort });
  logger.info({ event: "ready", url: `http://${address}/`, version: server.state().version }, "ready");
  return server;
}

function tlsOf({ xdsCert, xdsKey, xdsClientCa }: ServeCommandOptions): TlsFiles | undefined {
  if (xdsCert === undefined && xdsKey === undefined && xdsClientCa === undefined) return undefined;
  if (xdsCert === undefined || xdsKey === undefined) {
    throw new CannotStart("TLS on the xDS port needs both --xds-cert and --xds-key");
  }
  return {
    certificate: xdsCert,
    key: xdsKey,
    ...(xdsClientCa === undefined ? {} : { clientCa: xdsClientCa }),
  };
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
