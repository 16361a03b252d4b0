// `sluice explain`: what becomes of one request, and why. Nothing needs to run: the folder is read, the route
// found as Envoy finds it, and every policy decided by the filter's own module.

import { relative } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import {
  type ExplainInput,
  type Explanation,
  explain,
  type PolicyExplanation,
  type RuleExplanation,
} from "../server/match/explain.ts";
import { parseLabels } from "./bootstrap.ts";
import { buildFolder } from "./folder.ts";
import { explainRecorded } from "./outcomes.ts";
import { readUrl } from "./url.ts";

interface ExplainOptions {
  config: string;
  request: string;
  header: [string, string][];
  source: string;
  labels?: Record<string, string>;
  namespace?: string;
  seed?: number;
  requests?: string;
  diff?: string[];
  json?: boolean;
}

const examples = `
Examples:
  $ sluice explain --config mesh/ http://go-search-service/find
  $ sluice explain --config mesh/ -H 'uid: 0' -H 'cookie: beta=1' http://go-search-service/find
  $ sluice explain --config mesh/ -X POST -H 'Host: go-search-service' http://127.0.0.1:10000/find
  $ sluice explain --config mesh/ --labels app=shop --namespace a http://go-search-service/
  $ sluice explain --config mesh/ --json http://go-search-service/ | jq .result.destinations
  $ sluice explain --config mesh/ --requests session.har      a table of outcomes
  $ sluice explain --requests access.log --diff mesh/ edited/   what an edit would change

The URL's host is the Host header unless -H says otherwise; a Gateway's port chooses its listener.
Exit code: 0 when the request is explained, 1 when the configuration is wrong, 2 on wrong usage.`;

export function register(program: Command): void {
  program
    .command("explain")
    .summary("say which route and policies a request meets, and why")
    .description(
      "Follows one request through the mesh of a folder: the virtual host and route that take it and the\n" +
        "conditions that decided, the policies on that route with every rule's conditions, what each policy\n" +
        "decided (by the filter's own WebAssembly module), and the destination.",
    )
    .argument("[url]", "such as http://go-search-service/find?q=1")
    .option("-c, --config <dir>", "folder of YAML", "examples/ficool")
    .option("-X, --request <method>", "HTTP method", "GET")
    .option("-H, --header <line>", "a request header, `name: value`; repeatable", readHeader, [])
    .option("--source <ip>", "the client's address", "127.0.0.1")
    .option("--labels <k=v,...>", "labels of the proxy that the request goes through", parseLabels)
    .option("--namespace <name>", "namespace of that proxy")
    .option("--seed <number>", "another draw where a choice is by chance", readSeed)
    .option(
      "--requests <file>",
      "a table of many requests instead: HAR, or a JSON object per line; - for stdin",
    )
    .option("--diff <dirs...>", "OLD and NEW folder: which of --requests change their outcome, and how")
    .option("--json", "print one JSON object")
    .addHelpText("after", examples)
    .action(run);
}

function readHeader(line: string, earlier: [string, string][]): [string, string][] {
  const parts = /^([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line);
  if (parts === null) throw new InvalidArgumentError("Write it as `name: value`.");
  return [...earlier, [parts[1] ?? "", parts[2] ?? ""]];
}

function readSeed(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number.");
  return Number(text);
}

async function run(address: string | undefined, options: ExplainOptions): Promise<void> {
  const { requests, diff, json, seed } = options;
  if (requests !== undefined) {
    const folders = diff ?? [options.config];
    const limits = diff === undefined ? 1 : 2;
    if (folders.length !== limits) throw new Error("--diff takes two folders: --diff OLD_DIR NEW_DIR");
    return explainRecorded(requests, folders, {
      json: json === true,
      ...(seed === undefined ? {} : { seed }),
    });
  }
  if (diff !== undefined) throw new Error("--diff needs recorded requests: --requests FILE");
  if (address === undefined) throw new Error("name a URL, or recorded requests as --requests FILE");
  const url = readUrl(address);
  const folder = await buildFolder(options.config);
  if (folder === undefined) return;
  const host = options.header.find(([name]) => name.toLowerCase() === "host")?.[1];
  const explanation = await explain(folder.built, folder.modules, {
    method: options.request,
    scheme: url.scheme,
    authority: host ?? url.authority,
    path: url.path,
    headers: options.header.filter(([name]) => name.toLowerCase() !== "host"),
    sourceIp: options.source,
    port: url.port,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...proxyOf(options),
  });
  process.stdout.write(
    options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : render(explanation),
  );
}

function proxyOf({ labels, namespace }: ExplainOptions): Pick<ExplainInput, "proxy"> {
  if (labels === undefined && namespace === undefined) return {};
  return { proxy: { labels: labels ?? {}, namespace: namespace ?? "" } };
}

export function render(e: Explanation): string {
  const lines = [`${e.request.method} ${e.request.url}`];
  for (const [name, value] of e.request.headers) lines.push(`  ${name}: ${value}`);
  const row = (label: string, text: string): void => void lines.push(`${label.padEnd(14)}${text}`);
  lines.push("");
  row("listener", e.listener);
  for (const note of e.notes) row("", note);
  if (e.virtualHost !== undefined)
    row("virtual host", `${e.virtualHost.name}  (domain ${e.virtualHost.domain})`);
  for (const { route, failed } of e.passedOver) row("not", `${route}: ${failed.join("; ")} does not hold`);
  if (e.route !== undefined) {
    const { name, resource, file, line, conditions } = e.route;
    row("route", `${name}  ${resource}, ${shown(file)}:${line}`);
    row(
      "",
      conditions.length === 0 ? "takes every request" : `because ${conditions.map((c) => c.text).join("; ")}`,
    );
  }
  for (const policy of e.policies) policyLines(policy, row);
  if (e.route !== undefined && e.policies.length === 0) row("policies", "none on this route");
  resultLines(e, row);
  return `${lines.join("\n")}\n`;
}

type Row = (label: string, text: string) => void;

const shown = (file: string): string => {
  const near = relative(process.cwd(), file);
  return near.startsWith("..") ? file : near;
};

const undecided: Record<string, string> = {
  FaultPolicy: "no fault for this request",
  RateLimitPolicy: "no limit is charged",
};

function policyLines(policy: PolicyExplanation, row: Row): void {
  const { kind, target, tier, rules, decisions } = policy;
  row("policy", `${kind} ${policy.policy}, ${shown(policy.file)}:${policy.line}`);
  const section = target?.sectionName === undefined ? "" : `/${target.sectionName}`;
  row(
    "",
    target === undefined ? "on the whole proxy" : `on ${target.kind} ${target.name}${section} (${tier})`,
  );
  if (policy.isPrevious) row("", "its newest version is at fault: the previous one is in force");
  for (const rule of rules) {
    row("", `${rule.matches ? "yes" : "no "} ${rule.name}${reason(rule)}`);
    const isRouting = kind === "HeaderRoutingPolicy";
    const decides = isRouting ? decisions.some((d) => d.rule === rule.name) : rule.matches;
    if (rule.matches && !decides && isRouting) row("", "    an earlier rule decides");
    else if (rule.choice !== "" && decides)
      row("", `    ${rule.choice}${rule.by === undefined ? "" : ` (this time: ${rule.by})`}`);
  }
  for (const { metric: _, policy: __, ...labels } of decisions) {
    const parts = Object.entries(labels).map(
      ([name, value]) => `${name} ${value === "" ? "(its own)" : value}`,
    );
    row("decided", parts.join(", "));
  }
  if (decisions.length === 0) row("decided", undecided[kind] ?? "nothing: the route stands");
}

function reason({ conditions }: RuleExplanation): string {
  if (conditions.length === 0) return ": takes every request";
  const entries = conditions.map((all) =>
    all.map((c) => `${c.text}${c.holds ? "" : " (does not hold)"}`).join(" and "),
  );
  return `: ${entries.join(" or ")}`;
}

function resultLines({ result }: Explanation, row: Row): void {
  for (const { name, before, after } of result.changedHeaders) {
    const now = after.length === 0 ? "removed" : after.join(", ");
    row("header", `${name}: ${now}${before.length === 0 ? "" : `  (was ${before.join(", ")})`}`);
  }
  if (result.outcome !== "forwarded") {
    row("result", `${result.detail}${result.status === undefined ? "" : ` (${result.status})`}`);
    return;
  }
  if (result.detail !== "") row("goes to", result.detail);
  for (const d of result.destinations) {
    const share = d.share === 1 ? "" : `${Number((d.share * 100).toFixed(2))} %  `;
    row(result.detail === "" ? "goes to" : "", `${share}${d.cluster}  ${d.endpoints.join(", ")}`);
  }
  for (const { cluster, share } of result.mirrors ?? []) {
    row("copied to", `${share === 1 ? "" : `${Number((share * 100).toFixed(4))} %  `}${cluster}`);
  }
}
