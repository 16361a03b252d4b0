// `sluice effective`: which policies are in force on a route and whose value each field has; which routes a
// policy reaches, and which proxies have it.

import { relative } from "node:path";
import type { Command } from "commander";
import type { EffectiveReport } from "../server/http/effective.ts";
import {
  type EffectiveField,
  type EffectiveKind,
  type EffectiveRoute,
  effectiveRoutes,
  policyReaches,
} from "../server/policy/effective.ts";
import { ask } from "./api.ts";
import { buildFolder } from "./folder.ts";

interface EffectiveOptions {
  config: string;
  server?: string;
  host?: string;
  policy?: string;
  kind?: string;
  json?: boolean;
}

const examples = `
Examples:
  $ sluice effective --config mesh/                      every route that has a policy
  $ sluice effective --config mesh/ default_v1_v2        the routes of this name
  $ sluice effective --config mesh/ --host go-search-service.default.svc.cluster.local
  $ sluice effective --config mesh/ --policy default/canary
  $ sluice effective --server http://127.0.0.1:8080 --policy canary     with the proxies that have it

Exit code: 0 when something was found, 1 when nothing was or the configuration is wrong, 2 on wrong usage
or when the server cannot be reached.`;

export function register(program: Command): void {
  program
    .command("effective")
    .summary("show which policies are in force where, and whose value stands")
    .description(
      "For routes: the policies in force, from the most specific target to the least, and the policy that each\n" +
        "field is from, with what never takes effect. For a policy: every route that it reaches.",
    )
    .argument("[route]", "a route's name; default: every route that has a policy")
    .option("-c, --config <dir>", "folder of YAML", "examples/ficool")
    .option("--server <url>", "ask a running server instead of reading a folder")
    .option("--host <name>", "only routes of this host, or virtual host HOST:PORT")
    .option("--policy <name>", "a policy, as NAME or NAMESPACE/NAME")
    .option("--kind <kind>", "the policy's kind, where two kinds share a name")
    .option("--json", "print one JSON object")
    .addHelpText("after", examples)
    .action(run);
}

async function run(route: string | undefined, options: EffectiveOptions): Promise<void> {
  const report = await find(route, options);
  if (report === undefined) return;
  process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : render(report));
  if (report.found === 0) process.exitCode = 1;
}

async function find(
  route: string | undefined,
  options: EffectiveOptions,
): Promise<EffectiveReport | undefined> {
  const { host, policy, kind, server, config } = options;
  if (server !== undefined) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ route, host, policy, kind })) {
      if (value !== undefined) query.set(name, value);
    }
    return await ask<EffectiveReport>(server, `effective?${query}`);
  }
  const folder = await buildFolder(config);
  if (folder === undefined) return undefined;
  const { mesh } = folder.built;
  if (policy === undefined) {
    const routes = effectiveRoutes(mesh, { route, host });
    return { version: "", found: routes.length, routes };
  }
  const policies = policyReaches(mesh, policy, kind).map((reach) => ({ ...reach, proxies: [] }));
  return { version: "", found: policies.length, policies };
}

export function render({ version, found, routes, policies }: EffectiveReport): string {
  const lines: string[] = version === "" ? [] : [`version ${version}`, ""];
  if (found === 0)
    lines.push(routes === undefined ? "there is no such policy" : "no such route, or none with a policy");
  for (const route of routes ?? []) lines.push(...routeLines(route), "");
  if (routes !== undefined && routes.length < found) lines.push(`and ${found - routes.length} more`);
  for (const policy of policies ?? []) lines.push(...policyLines(policy, version !== ""), "");
  return `${lines.join("\n").trimEnd()}\n`;
}

function routeLines({ virtualHost, route, resource, file, line, kinds }: EffectiveRoute): string[] {
  const head = `${virtualHost}  ${route}  (${resource}, ${shown(file)}:${line})`;
  return kinds.length === 0 ? [head, "  no policy"] : [head, ...kinds.flatMap(kindLines)];
}

function kindLines({ kind, policies, fields, cutOff }: EffectiveKind): string[] {
  const lines = [`  ${kind}`];
  for (const { policy, tier, target, file, line, isPrevious } of policies) {
    const on = target === undefined ? "the whole proxy" : `${target.kind} ${target.name}`;
    const old = isPrevious ? "; its newest version is at fault, the one before it applies" : "";
    lines.push(`    ${policy}  on ${on} (${tier}), ${shown(file)}:${line}${old}`);
  }
  for (const { policy, by } of cutOff) lines.push(`    ${policy}  does not apply: ${by} has inherit: false`);
  return [...lines, ...fields.map((field) => `      ${fieldText(field)}`)];
}

function fieldText({ field, value, from, over, unreached }: EffectiveField): string {
  const text = typeof value === "object" ? "" : ` = ${value}`;
  const beaten = over.length === 0 ? "" : `, over ${over.join(" and ")}`;
  const never = unreached === undefined ? "" : `; never asked: ${unreached}`;
  return `${field}${text}  from ${from}${beaten}${never}`;
}

type ReachWithProxies = NonNullable<EffectiveReport["policies"]>[number];

function policyLines(reach: ReachWithProxies, isLive: boolean): string[] {
  const { kind, policy, file, line, state, routes, proxies } = reach;
  const lines = [`${kind} ${policy}  (${shown(file)}:${line}): ${state}`];
  for (const { virtualHost, route, tier, cutOffBy } of routes) {
    const cut = cutOffBy === undefined ? "" : `; does not apply: ${cutOffBy} has inherit: false`;
    lines.push(`  ${virtualHost}  ${route}  (${tier})${cut}`);
  }
  if (routes.length === 0) lines.push("  reaches no route");
  if (!isLive) return lines;
  if (proxies.length === 0) lines.push("  no connected proxy is sent it");
  const states = { synced: "has it", pending: "is being sent it", nacked: "refused it, see sluice status" };
  return [...lines, ...proxies.map((proxy) => `  ${proxy.id} ${states[proxy.state]}`)];
}

const shown = (file: string): string => {
  const near = relative(process.cwd(), file);
  return near.startsWith("..") ? file : near;
};
