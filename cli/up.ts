// `sluice up`, which is `npm start`: config server, Envoy and, for the examples, sample services on this
// machine, in the foreground. It says `ready` when a request would be served, and ends with all that it started.

import { type Command, InvalidArgumentError } from "commander";
import { isAbsolute, join, relative, resolve } from "node:path";
import { bootstrapJson } from "../envoy/bootstrap.ts";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import { cacheDirectory } from "../envoy/wheel.ts";
import type { MetricsSpec } from "../schema/generated/types.ts";
import { createLogger, type Logger } from "../server/log.ts";
import type { Resource } from "../server/model.ts";
import { loadModules } from "../server/policy/modules.ts";
import { CannotStart, formatDiagnostics, InvalidConfiguration, serve } from "../server/serve.ts";
import { loadFolder } from "../server/source/load.ts";
import { formatHostPort, type HostPort, parseHostPort } from "./address.ts";
import { parseLocality } from "./locality.ts";
import { addObservabilityFlags, type ObservabilityFlags, observabilityOf } from "./observability.ts";
import { requireFree } from "./up/port.ts";
import { localNode, untilReady } from "./up/ready.ts";
import { instancesOf, startSamples } from "./up/samples.ts";
import { pair, startSidecars } from "./up/sidecars.ts";
import { stopRequest } from "./up/stop.ts";
import { version } from "./version.ts";

interface UpOptions extends ObservabilityFlags {
  config: string;
  listen: HostPort;
  admin: HostPort;
  http: HostPort;
  xds: HostPort;
  concurrency?: number;
  locality?: string;
  sampleServices?: boolean;
  sidecars?: boolean;
  state?: string;
  lastGood?: boolean;
}

/** What runs; closed in the opposite order. */
type Opened = { close(): Promise<void> }[];

const examples = `
Examples:
  $ npm start                                         the sample mesh in examples/ficool
  $ npm start -- --config examples/sticky-canary      another example
  $ npm start -- --config mesh/ --listen 0.0.0.0:80   a folder of your own, reachable from outside
  $ npm start -- --config examples/sidecars --sidecars
                                                      an Envoy beside each service, as in a mesh
  $ npm start -- --listen 0 --admin 0 --http 0 --xds 0
                                                      ports from the system; the ready line tells which

It stops on SIGINT and SIGTERM, and when the process that started it is gone. Exit code: 0 after that, 1 when
the configuration is in error at the start, 2 when it cannot start for another reason.`;

export function register(program: Command): void {
  const command = program
    .command("up")
    .summary("run config server, Envoy and sample services here")
    .description(
      "Runs the config server and an Envoy on this machine, in the foreground; `npm start` does the same.",
    )
    .option("--config <dir>", "folder of YAML files", join(projectRoot, "examples", "ficool"))
    .option(
      "--listen <[host:]port>",
      "where Envoy listens for the mesh",
      parseHostPort,
      parseHostPort("10000"),
    )
    .option("--admin <[host:]port>", "Envoy's admin address", parseHostPort, parseHostPort("15000"))
    .option("--http <[host:]port>", "dashboard, API and metrics", parseHostPort, parseHostPort("8080"))
    .option("--xds <[host:]port>", "where Envoys connect", parseHostPort, parseHostPort("18000"))
    .option("--concurrency <n>", "Envoy's worker threads (default: one per core)", parseCount)
    .option("--locality <region/zone/subzone>", "where Envoy runs, for `localityLbSetting`", parseLocality)
    .option("--sample-services", "answer on the folder's loopback endpoints (default: for the examples)")
    .option("--no-sample-services", "do not")
    .option("--sidecars", "an Envoy beside each sample service, for what it is called and what it calls")
    .option("--state <dir>", "directory in which the last good configuration is kept")
    .option("--last-good", "start with the last good configuration of --state when the folder is in error")
    .addHelpText("after", examples)
    .action(run);
  addObservabilityFlags(command);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Write a number from 1.");
  return Number(text);
}

async function run(options: UpOptions): Promise<void> {
  const logger = createLogger();
  const stop = stopRequest();
  const opened: Opened = [];
  const up = bringUp(options, logger, opened);
  let code = 0;
  try {
    const running = await Promise.race([up, stop.requested]);
    if (typeof running === "object") {
      process.stdout.write(running.greeting);
      const cause = await Promise.race([running.ended, stop.requested]);
      logger.info({ event: "stop", cause }, "stopping");
      if (cause === envoyEnded) code = 2;
    }
  } catch (error) {
    code = report(error);
  }
  up.catch(() => {}); // asked to stop while still starting
  for (const part of opened.splice(0).reverse()) await part.close();
  process.exit(code);
}

const envoyEnded = "Envoy ended";

interface Running {
  greeting: string;
  /** Resolves with the cause when a part ends by itself. */
  ended: Promise<string>;
}

async function bringUp(options: UpOptions, logger: Logger, opened: Opened): Promise<Running> {
  if (options.lastGood && options.state === undefined) {
    throw new CannotStart("--last-good needs --state DIR, where it is kept");
  }
  await requireFree(options.listen, "--listen");
  await requireFree(options.admin, "--admin");
  const binary = await findEnvoy({ progress: (line) => logger.info({ event: "envoy" }, line) }).catch(
    asCannotStart,
  );
  const server = await serve({
    ...options,
    modules: await loadModules(join(projectRoot, "build", "filters")),
    delivery: { file: join(cacheDirectory(), "served") },
    version,
    logger,
    observability: observabilityOf(options),
  });
  opened.push(server);

  const { resources } = await loadFolder(options.config);
  const instances = wantsSamples(options) ? instancesOf(resources) : [];
  const pairs = options.sidecars === true ? await pair(instances) : [];
  if (options.sidecars === true && pairs.length === 0) {
    throw new CannotStart(
      "--sidecars: there are no sample services; give --sample-services, or a folder in examples/",
    );
  }
  opened.push(await startSamples(options.sidecars === true ? pairs.map(({ app }) => app) : instances));

  const { listen, admin, concurrency, locality } = options;
  let stopping = false; // of what Envoy logs then, nothing is news
  const common = {
    binary,
    onOutput: (line: string) => process.stdout.write(`${line}\n`),
    onLog: (line: string) => {
      if (!stopping) logEnvoy(logger, line);
    },
  };
  const told = {
    dimensions: dimensionsOf(resources),
    xds: { host: options.xds.host, port: server.xdsPort },
  };
  if (pairs.length > 0) opened.push(await startSidecars(pairs, { ...common, ...told, server, logger }));
  const envoy = await startEnvoy({
    ...common,
    config: bootstrapJson({
      ...told,
      nodeId: localNode,
      metadata: { ROLE: "gateway" },
      ...(locality !== undefined && { locality }),
      admin,
    }),
    ...(concurrency !== undefined && { concurrency }),
  }).catch(asCannotStart);
  opened.push({
    close: () => {
      stopping = true;
      return envoy.stop();
    },
  });

  const port = await untilReady(envoy, server, listen);
  const url = (host: string, at: number) => `http://${formatHostPort({ host, port: at })}`;
  const greeting =
    `ready: ${url(listen.host, port)}  (dashboard ${url(options.http.host, server.httpPort)}, ` +
    `Envoy's admin ${url(admin.host, envoy.adminPort)}, xDS ${formatHostPort({ ...options.xds, port: server.xdsPort })})\n`;
  return { greeting, ended: envoy.exited.then(() => envoyEnded) };
}

/** Envoy learns at its start which labels the stats' names may carry: those of the folder as it is then. */
function dimensionsOf(resources: readonly Resource[]): string[] {
  return resources
    .filter(({ kind }) => kind === "MetricsPolicy")
    .flatMap(({ spec }) => ((spec as MetricsSpec).dimensions ?? []).map(({ name }) => name));
}

/** By default only for the folders in examples/: elsewhere the endpoints are somebody's own. */
function wantsSamples({ config, sampleServices }: UpOptions): boolean {
  if (sampleServices !== undefined) return sampleServices;
  const path = relative(join(projectRoot, "examples"), resolve(config));
  return path !== "" && !path.startsWith("..") && !isAbsolute(path);
}

function logEnvoy(logger: Logger, line: string): void {
  const [, level, text = ""] = /^\[[^\]]*\]\[\d+\]\[(\w+)\](?:\[[^\]]*\] ?)*(.*)$/.exec(line) ?? [];
  if (level === "warning") logger.warn({ event: "envoy" }, text);
  else if (level === "error" || level === "critical") logger.error({ event: "envoy" }, text);
}

function asCannotStart(error: unknown): never {
  throw new CannotStart(error instanceof Error ? error.message : String(error));
}

function report(error: unknown): number {
  if (error instanceof InvalidConfiguration) {
    process.stderr.write(`${formatDiagnostics(error.diagnostics)}sluice: ${error.message}\n`);
    return 1;
  }
  const text =
    error instanceof CannotStart ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`sluice: ${text}\n`);
  return 2;
}
