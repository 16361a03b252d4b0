// The config server as one object: folder, pipeline, xDS and HTTP, started together and closed together.

import { isIP } from "node:net";
import type { Diagnostic } from "../schema/diagnostic.ts";
import { formatDiagnostic } from "../schema/diagnostic.ts";
import { startHttpServer, type HttpServer } from "./http/server.ts";
import { typeNames } from "./http/proxies.ts";
import type { ServerView } from "./http/view.ts";
import type { ObservabilityOptions } from "./istio/observability.ts";
import { LastGood } from "./last-good.ts";
import { History, UnknownVersion } from "./history.ts";
import { createLogger, type Logger } from "./log.ts";
import { TrafficFeed } from "./metrics-service/feed.ts";
import type { NodeIdentity, ProxyState, TypeUrl } from "./model.ts";
import { type ConfigurationState, Pipeline } from "./pipeline.ts";
import type { Built, FilterModule, SnapshotOptions } from "./snapshot.ts";
import { createStages, type ServerStages } from "./stages.ts";
import type { XdsEvents } from "./xds/connection.ts";
import { startXdsServer, type TlsFiles, type XdsServer } from "./xds/server.ts";

export interface HostPort {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

export interface ServeOptions {
  /** The folder of YAML files. */
  config: string;
  http: HostPort;
  /** Names that the HTTP side answers to beside those of loopback; default: any, unless it listens on loopback. */
  httpNames?: readonly string[];
  xds: HostPort;
  /** Where the proxies listen for the mesh. */
  listen: HostPort;
  modules: Readonly<Record<string, FilterModule>>;
  /** How a proxy gets a module. Default: inline. */
  delivery?: SnapshotOptions["delivery"];
  /** Access logs and traces of the proxies. */
  observability?: ObservabilityOptions;
  /** Directory for the last good configuration. */
  state?: string;
  /** Serve this version of the state directory's history, whatever the folder holds. */
  pin?: string;
  /** Start with what the state directory holds when the folder is in error. */
  lastGood?: boolean;
  tls?: TlsFiles;
  /** Of this program, for the API. */
  version?: string;
  logger?: Logger;
  stages?: ServerStages;
}

export interface RunningServer {
  readonly xdsPort: number;
  readonly httpPort: number;
  state(): ConfigurationState;
  proxies(): ProxyState[];
  /** Of the snapshot that a proxy of this kind should have. */
  wantedVersion(node: NodeIdentity): string;
  /** Resolves when what the folder holds now has been tried. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

/** The folder is in error at the start, and nothing older is to be served. */
export class InvalidConfiguration extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(directory: string, diagnostics: readonly Diagnostic[]) {
    super(`the configuration in ${directory} is invalid`);
    this.diagnostics = diagnostics;
  }
}

/** Something that the server needs is not to be had, such as its port. */
export class CannotStart extends Error {}

export async function serve(options: ServeOptions): Promise<RunningServer> {
  const logger = options.logger ?? createLogger();
  const history = options.state === undefined ? undefined : new History(options.state, options.config);
  const pipeline = new Pipeline<Built>({
    directory: options.config,
    stages: options.stages ?? createStages(snapshotOptions(options)),
    ...(options.state === undefined ? {} : { lastGood: new LastGood(options.state) }),
    ...(history === undefined ? {} : { history }),
    ...(options.pin === undefined ? {} : { pin: options.pin }),
    onBuilt: logConfiguration(logger),
    onStateError: (error) => logger.error({ error: textOf(error) }, "the state directory cannot be written"),
  });
  const opened: { close(): Promise<void> }[] = [pipeline];
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    if (!(await startPipeline(pipeline, options, logger))) {
      throw new InvalidConfiguration(options.config, pipeline.state().diagnostics);
    }
    const feed = new TrafficFeed();
    opened.push({ close: async () => feed.close() });
    const xds = await startXds(options, pipeline, feed, logger);
    opened.push(xds);
    const http = await startHttp(options, viewOf(options, pipeline, feed, xds, history));
    opened.push(http);
    logger.info({ xds: xds.port, http: http.port, config: options.config }, "serving");
    return {
      xdsPort: xds.port,
      httpPort: http.port,
      state: () => pipeline.state(),
      proxies: () => xds.states(),
      wantedVersion: (node) => pipeline.current(node)?.version ?? "",
      rebuild: () => pipeline.rebuild(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startPipeline(
  pipeline: Pipeline<Built>,
  options: ServeOptions,
  logger: Logger,
): Promise<boolean> {
  if (options.pin !== undefined && options.state === undefined) {
    throw new CannotStart("--pin needs --state DIR, where the versions are kept");
  }
  const isStarted = await pipeline
    .start({ useLastGood: options.lastGood === true })
    .catch((error: unknown) => {
      throw error instanceof UnknownVersion ? new CannotStart(`--pin: ${error.message}`) : error;
    });
  const { pinned } = pipeline.state();
  if (pinned !== undefined) {
    const text = `pinned: version ${pinned.version} of ${pinned.at} is served, and no change of the folder takes effect`;
    logger.warn({ event: "pinned", ...pinned }, text);
  }
  return isStarted;
}

function snapshotOptions(options: ServeOptions): SnapshotOptions {
  const { listen, modules, delivery = "inline", observability = {} } = options;
  const withholdsKeys = options.tls === undefined && !isLoopback(options.xds.host);
  return { listen, modules, delivery, withholdsKeys, ...observability };
}

/** What goes over it does not leave the machine. */
const isLoopback = (host: string): boolean =>
  isIP(host) === 4 ? host.startsWith("127.") : host === "::1" || host === "localhost";

function viewOf(
  options: ServeOptions,
  pipeline: Pipeline<Built>,
  feed: TrafficFeed,
  xds: XdsServer,
  history: History | undefined,
): ServerView {
  const versionFor = (node: NodeIdentity): string => pipeline.current(node)?.version ?? "";
  return {
    version: options.version ?? "",
    ...(history === undefined ? {} : { history }),
    modules: options.modules,
    xds: xds.proxies,
    traffic: feed,
    xdsAddress: `${options.xds.host.includes(":") ? `[${options.xds.host}]` : options.xds.host}:${xds.port}`,
    mesh: (node) => (node === undefined ? pipeline.built()?.mesh : pipeline.built()?.meshFor(node)),
    configuration: () => pipeline.state(),
    proxies: () => xds.states(),
    wantedVersion: versionFor,
    resourceCounts: () => {
      const resources = pipeline.gatewaySnapshot()?.resources ?? new Map();
      return Object.fromEntries(
        [...resources].map(([typeUrl, named]) => [typeNames[typeUrl as TypeUrl], named.size]),
      );
    },
  };
}

function startXds(
  options: ServeOptions,
  source: Pipeline<Built>,
  feed: TrafficFeed,
  logger: Logger,
): Promise<XdsServer> {
  const { host, port } = options.xds;
  const tls = options.tls === undefined ? {} : { tls: options.tls };
  return startXdsServer({
    source,
    host,
    port,
    ...tls,
    events: xdsEvents(logger),
    traffic: feed.traffic,
  }).catch((error: unknown) => {
    throw cannotListen(error, "--xds", options.xds);
  });
}

function startHttp(options: ServeOptions, view: ServerView): Promise<HttpServer> {
  return startHttpServer(view, { ...options.http, names: options.httpNames }).catch((error: unknown) => {
    throw cannotListen(error, "--http", options.http);
  });
}

function cannotListen(error: unknown, option: string, { host, port }: HostPort): Error {
  const text = textOf(error);
  if (/EADDRINUSE|No address added/.test(text)) {
    return new CannotStart(
      `port ${port} on ${host} is taken; choose another one with ${option}, or 0 for any`,
    );
  }
  return new CannotStart(`cannot listen on ${host}:${port} (${option}): ${text}`);
}

function logConfiguration(logger: Logger): (state: ConfigurationState) => void {
  let served = "";
  return (state) => {
    // A start that fails tells its diagnostics to the caller.
    if (state.version === "") return;
    for (const diagnostic of state.diagnostics) {
      const { severity, file, line, column, path, message } = diagnostic;
      const fields = { event: "diagnostic", file, line, column, path };
      const text = `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;
      if (severity === "error") logger.error(fields, text);
      else logger.warn(fields, text);
    }
    if (state.isLastGood)
      logger.error({ event: "held back", version: state.version }, "the last good version is served");
    else if (state.version !== served) {
      logger.info({ event: "snapshot", version: state.version, resources: state.resources }, "new snapshot");
    }
    if (!state.isLastGood) served = state.version;
  };
}

function xdsEvents(logger: Logger): XdsEvents {
  return {
    onConnect: (node, peer, variant) =>
      logger.info(
        { event: "connect", node: node.id, peer, envoy: node.envoyVersion, variant },
        "proxy connected",
      ),
    onDisconnect: (node, peer) =>
      logger.info({ event: "disconnect", node: node.id, peer }, "proxy disconnected"),
    onSent: (node, response) =>
      logger.debug(
        {
          event: "sent",
          node: node.id,
          type: typeNames[response.typeUrl],
          resources: response.resources.length,
          removed: response.removed.length,
        },
        "response sent",
      ),
    onAck: (node, typeUrl) =>
      logger.debug({ event: "ack", node: node.id, type: typeNames[typeUrl] }, "acknowledged"),
    onFailure: (node, error) =>
      logger.error(
        { event: "failure", node: node?.id, error: error instanceof Error ? error.stack : String(error) },
        "the configuration for this proxy cannot be made",
      ),
    onNack: (node, typeUrl, error) =>
      logger.error(
        { event: "nack", node: node.id, type: typeNames[typeUrl], error },
        "proxy refuses its configuration",
      ),
  };
}

/** One line for each, as an editor understands it. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join("");
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
