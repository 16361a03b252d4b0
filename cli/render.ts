// `sluice render`: what another control plane, or an Envoy without one, is given in place of our server.

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { projectRoot } from "../envoy/root.ts";
import { type Diagnostic, formatDiagnostic } from "../schema/diagnostic.ts";
import { refusalDiagnostic } from "../server/refusal.ts";
import { type Target, targets } from "../server/render/availability.ts";
import { type EnvoyOptions, renderEnvoy } from "../server/render/envoy/render.ts";
import { renderEnvoyGateway } from "../server/render/envoy-gateway/render.ts";
import { type IstioOptions, modes, moduleUrls, phases, resources } from "../server/render/istio/options.ts";
import { renderIstio } from "../server/render/istio/render.ts";
import type { Rendered, RenderInput } from "../server/render/rendered.ts";
import { loadModules } from "../server/snapshot.ts";
import { loadFolder } from "../server/source/load.ts";
import { createStages } from "../server/stages.ts";
import { type HostPort, parseHostPort } from "./address.ts";
import { version } from "./version.ts";

interface RenderOptions {
  config: string;
  target: Target;
  out: string;
  moduleUrl: string;
  resource: IstioOptions["resource"];
  namespace: string;
  workload: Record<string, string>;
  suite?: boolean;
  mode?: IstioOptions["mode"];
  phase?: IstioOptions["phase"];
  priority: number;
  imagePullSecret?: string;
  listen: HostPort;
  admin: HostPort | false;
  envoyVersion: string;
}

const examples = `
Examples:
  $ sluice render --config mesh/ --target istio | kubectl apply --server-side -f -
  $ sluice render --config mesh/ --target istio --out rendered/ --module-url oci://registry.example/sluice
  $ sluice render --config mesh/ --target istio --workload istio=ingressgateway --phase AUTHZ
  $ sluice render --config mesh/ --target envoy-gateway --module-url oci://registry.example/sluice
  $ sluice render --config mesh/ --target envoy > envoy.yaml && envoy -c envoy.yaml

Errors and warnings go to stderr as file:line:column. Exit code: 0, 1 when the configuration is wrong (nothing
is written then), 2 on wrong usage.`;

export function register(program: Command): void {
  program
    .command("render")
    .summary("write the policies for Istio, Envoy Gateway or a plain Envoy")
    .description(
      "Writes what carries the policies of a folder into another control plane: for Istio a WasmPlugin for each " +
        "filter, and the VirtualServices with the names and routes that the policies need.",
    )
    .option("-c, --config <dir>", "folder of YAML", "examples/ficool")
    .addOption(new Option("--target <target>", "what it is for").choices(targets).makeOptionMandatory())
    .option("-o, --out <dir>", "folder to write the files to; `-`: all of them to stdout", "-")
    .option(
      "--module-url <url>",
      "where proxies fetch the modules: http(s)://HOST/filters, oci://REGISTRY/REPOSITORY or file:///DIR; " +
        "envoy: file:///DIR, or none, and they stand in the file",
      servedModules,
    )
    .addOption(
      new Option("--resource <kind>", "istio: the kind to write").choices(resources).default("WasmPlugin"),
    )
    .option("--namespace <name>", "istio: of the plugins; the root namespace reaches all", "istio-system")
    .option(
      "--workload <label=value>",
      "istio: the proxies, in place of the gateways' selectors; may be given several times",
      collectLabels,
      {},
    )
    .addOption(
      new Option(
        "--mode <mode>",
        "istio: calls that go out, or requests that come in; default: CLIENT",
      ).choices(modes),
    )
    .addOption(
      new Option("--phase <phase>", "istio: before which of its own; default: after all").choices(phases),
    )
    .option(
      "--priority <number>",
      "istio: of the first filter; each further one has the next lower",
      integer,
      100,
    )
    .option("--suite", "istio: all filters in one plugin, by suite.wasm")
    .option("--image-pull-secret <name>", "istio: Secret for the registry of --module-url")
    .option("--listen <[host:]port>", "envoy: where it listens", parseHostPort, parseHostPort("10000"))
    .option("--admin <[host:]port>", "envoy: its admin address", parseHostPort, parseHostPort("15000"))
    .option("--no-admin", "envoy: no admin port")
    .option("--envoy-version <version>", "envoy: which one it is for", parseVersion, "1.40")
    .addHelpText("after", examples)
    .action(run);
}

const servedModules = "http://sluice.sluice-system.svc.cluster.local:8080/filters";

/** An older Envoy refuses what a newer one needs. */
function parseVersion(text: string): string {
  if (!/^1\.(3[6-9]|[4-9]\d)(\.\d+)?$/.test(text)) throw new InvalidArgumentError("Write 1.36 or newer.");
  return text;
}

function collectLabels(text: string, before: Record<string, string>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("Write LABEL=VALUE.");
  return { ...before, [key]: value };
}

function integer(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number.");
  return Number(text);
}

async function run(options: RenderOptions): Promise<void> {
  const { config, out } = options;
  if (!existsSync(config)) throw new Error(`there is no ${config}: name a folder as --config`);
  const { resources: read, diagnostics } = await loadFolder(config);
  const modules = loadModules(join(projectRoot, "build/filters"));
  const rendered = diagnostics.some(isError)
    ? undefined
    : await renderTarget({ directory: config, resources: read, modules }, options);
  const refusals = rendered === undefined ? [] : await tryPlugins(rendered, read, config);
  const all = [...diagnostics, ...(rendered?.diagnostics ?? []), ...refusals];
  for (const d of all) process.stderr.write(`${formatDiagnostic(d)}\n`);
  if (rendered === undefined || all.some(isError)) {
    process.exitCode = 1;
    return;
  }
  if (out === "-") process.stdout.write(rendered.files.map(({ text }) => text).join(""));
  else await write(rendered, out);
}

const isError = (d: Diagnostic): boolean => d.severity === "error";

async function renderTarget(input: RenderInput, options: RenderOptions): Promise<Rendered> {
  switch (options.target) {
    case "istio":
      return renderIstio(input, istioOptions(options));
    case "envoy":
      return renderEnvoy(input, envoyOptions(options));
    case "envoy-gateway":
      return renderEnvoyGateway(input, istioOptions(options));
  }
}

const istioOptions = (options: RenderOptions): IstioOptions => ({
  resource: options.resource,
  namespace: options.namespace,
  labels: options.workload,
  mode: options.mode,
  suite: options.suite === true,
  phase: options.phase,
  priority: options.priority,
  imagePullSecret: options.imagePullSecret,
  ...moduleUrls(options.moduleUrl, version),
});

function envoyOptions({ listen, admin, envoyVersion, moduleUrl }: RenderOptions): EnvoyOptions {
  const isFile = moduleUrl.startsWith("file:///");
  if (!isFile && moduleUrl !== servedModules)
    throw new Error(`--module-url ${moduleUrl}: for envoy write file:///DIR, or leave it out`);
  const moduleFolder = isFile ? fileURLToPath(moduleUrl).replace(/\/+$/, "") : undefined;
  return { listen, admin: admin === false ? undefined : admin, envoyVersion, moduleFolder };
}

/** A refused configuration would answer 500 to every request of a new proxy. */
async function tryPlugins(
  { plugins }: Rendered,
  read: RenderInput["resources"],
  directory: string,
): Promise<Diagnostic[]> {
  const modules = loadModules(join(projectRoot, "build/filters"));
  const stages = createStages({ listen: { host: "127.0.0.1", port: 0 }, modules, delivery: "inline" });
  const refused: Diagnostic[] = [];
  for (const { filter, configuration } of plugins) {
    const result = await stages.check(filter, configuration);
    if (!result.ok)
      refused.push(
        refusalDiagnostic({ filter, configuration, refusal: result.refusal, resources: read, directory }),
      );
  }
  return refused;
}

async function write({ files }: Rendered, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const { name, text, isSecret } of files) {
    await writeFile(join(directory, name), text, { mode: isSecret ? 0o600 : 0o644 });
    process.stderr.write(`${join(directory, name)}\n`);
  }
}
