// `sluice bootstrap`: the bootstrap of an Envoy of one's own that takes its configuration from our server.

import { type Command, InvalidArgumentError } from "commander";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { type BootstrapOptions, bootstrapJson } from "../envoy/bootstrap.ts";
import { formatHostPort, type HostPort, parseHostPort } from "./address.ts";
import { parseLocality } from "./locality.ts";

interface BootstrapCommandOptions {
  server: HostPort;
  serverCa?: string;
  clientCert?: string;
  clientKey?: string;
  node?: string;
  role: string;
  namespace?: string;
  labels?: Record<string, string>;
  locality?: string;
  outbound?: HostPort;
  inbound: string[];
  admin: HostPort | false;
  statsSink: boolean;
  dimension: string[];
  durationBuckets?: number[];
}

const examples = `
Examples:
  $ sluice bootstrap --server 127.0.0.1:18000 > envoy.json && envoy -c envoy.json
  $ sluice bootstrap --server config.internal:18000 --node edge-1 --labels app=gateway,stage=prod
  $ sluice bootstrap --server config.internal:18000 --role sidecar --namespace shop --labels app=web \\
      --outbound 15001 --inbound 10.0.0.5:8080=127.0.0.1:8081
  $ sluice bootstrap --server config.internal:18000 --server-ca ca.pem --client-cert edge.pem --client-key edge.key
  $ sluice bootstrap --server 127.0.0.1:18000 --dimension region --dimension plan

It gives Envoy delta ADS with a quick return after the server was away, keepalive, limits against overload,
the rules that turn our metrics' labels into Prometheus labels, and an admin port on loopback.`;

export function register(program: Command): void {
  program
    .command("bootstrap")
    .summary("print a bootstrap for an Envoy of your own")
    .description("Prints, as JSON, the bootstrap of an Envoy that takes everything else from `sluice serve`.")
    .requiredOption("--server <host:port>", "the server's xDS port, as Envoy reaches it", parseHostPort)
    .option("--server-ca <file>", "TLS to the server, whose certificate this authority signed (PEM)")
    .option("--client-cert <file>", "the proxy's own certificate for the server (PEM)")
    .option("--client-key <file>", "its private key (PEM)")
    .option("--node <id>", "the proxy's name in logs and `sluice status` (default: this machine's name)")
    .option("--role <role>", "gateway or sidecar", parseRole, "gateway")
    .option("--namespace <name>", "its namespace")
    .option("--labels <k=v,...>", "labels by which Gateways and policies select it", parseLabels)
    .option("--locality <region/zone/subzone>", "where it runs, for `localityLbSetting`", parseLocality)
    .option("--outbound <[host:]port>", "of a sidecar: where the workload's calls go out", parseHostPort)
    .option(
      "--inbound <endpoint=workload>",
      "of a sidecar: HOST:PORT of the endpoint, and of the workload itself; repeat",
      addInbound,
      [],
    )
    .option("--admin <[host:]port>", "Envoy's admin address", parseHostPort, parseHostPort("15000"))
    .option("--no-admin", "no admin port")
    .option("--no-stats-sink", "do not push stats to the server")
    .option("--dimension <name>", "a label of your MetricsPolicies; repeat it for each", addLabel, [])
    .option("--duration-buckets <ms,...>", "upper bounds of the histograms of durations", parseBuckets)
    .addHelpText("after", examples)
    .action(run);
}

function run(options: BootstrapCommandOptions, command: Command): void {
  if (options.inbound.length > 0 && options.outbound === undefined) {
    command.error("error: --inbound needs --outbound: where the workload's calls go out");
  }
  if (options.outbound !== undefined && options.role !== "sidecar") {
    command.error("error: --outbound is of a sidecar: write --role sidecar");
  }
  const { server, node = hostname(), role, namespace, labels, locality, admin, statsSink } = options;
  const { dimension: dimensions, durationBuckets } = options;
  const config = bootstrapJson({
    nodeId: node,
    metadata: {
      ROLE: role,
      ...(namespace !== undefined && { NAMESPACE: namespace }),
      ...(labels !== undefined && { LABELS: labels }),
      ...(options.outbound !== undefined && {
        OUTBOUND: formatHostPort(options.outbound),
        INBOUND: options.inbound,
      }),
    },
    ...(locality !== undefined && { locality }),
    xds: server,
    ...tlsOf(options),
    admin: admin === false ? undefined : admin,
    statsSink,
    dimensions,
    ...(durationBuckets !== undefined && { durationBuckets }),
  });
  process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
}

function tlsOf({ serverCa, clientCert, clientKey }: BootstrapCommandOptions): Pick<BootstrapOptions, "tls"> {
  if ((clientCert === undefined) !== (clientKey === undefined) || (clientCert !== undefined && !serverCa))
    throw new Error("a certificate of one's own needs --server-ca, --client-cert and --client-key");
  if (serverCa === undefined) return {};
  const own =
    clientCert === undefined || clientKey === undefined
      ? undefined
      : { certificate: resolve(clientCert), key: resolve(clientKey) };
  return { tls: { ca: resolve(serverCa), ...(own && { own }) } };
}

function parseRole(text: string): string {
  if (text !== "gateway" && text !== "sidecar") throw new InvalidArgumentError("Write gateway or sidecar.");
  return text;
}

function addInbound(text: string, before: string[]): string[] {
  const [endpoint, workload, ...rest] = text.split("=");
  if (endpoint === undefined || workload === undefined || rest.length > 0) {
    throw new InvalidArgumentError("Write HOST:PORT=HOST:PORT, such as 10.0.0.5:8080=127.0.0.1:8081.");
  }
  return [...before, [endpoint, workload].map((part) => formatHostPort(parseHostPort(part))).join("=")];
}

function addLabel(text: string, before: string[]): string[] {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(text))
    throw new InvalidArgumentError("A label has letters, digits and underscores only, and a letter first.");
  return [...before, text];
}

function parseBuckets(text: string): number[] {
  const bounds = text.split(",").map(Number);
  const rises = bounds.every((bound, i) => bound > (bounds[i - 1] ?? 0));
  if (!rises) throw new InvalidArgumentError("Write rising numbers of milliseconds, such as 5,10,50,100.");
  return bounds;
}

export function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [, key, value] = /^\s*([^=\s]+)=(.*?)\s*$/.exec(part) ?? [];
    if (key === undefined || value === undefined)
      throw new InvalidArgumentError("Write KEY=VALUE,KEY=VALUE.");
    labels[key] = value;
  }
  return labels;
}
