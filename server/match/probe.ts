// Which conditions of a policy's rules a request meets, one by one. The header-routing module itself is asked,
// by a policy of one rule for each condition, so that there is no second matcher that could disagree.

import { type CompiledModule, Host, type Pair } from "../../host/index.ts";
import type { RequestMatch, StringMatch } from "../../schema/generated/types.ts";
import type { Condition } from "./route.ts";

interface Probe {
  text: string;
  match: RequestMatch;
}

/** At most so many are asked; a list of thousands of conditions explains nothing. */
const maxProbes = 1_000;

export class Prober {
  readonly #module: CompiledModule;
  /** Of the request, with the pseudo headers. */
  readonly headers: readonly Pair[];
  /** The client's address. */
  readonly source: string;

  constructor(module: CompiledModule, headers: readonly Pair[], sourceIp: string) {
    this.#module = module;
    this.headers = headers;
    this.source = sourceIp;
  }

  /** For each entry of `match`, its conditions; an absent list is met by every request. */
  check(match: readonly RequestMatch[] | undefined): Condition[][] {
    const entries = (match ?? []).map(splitMatch);
    const answers = this.#ask(entries.flat().slice(0, maxProbes));
    let next = 0;
    return entries.map((probes) => probes.map(({ text }) => ({ text, holds: answers[next++] ?? false })));
  }

  #ask(probes: readonly Probe[]): boolean[] {
    if (probes.length === 0) return [];
    const host = new Host({ module: this.#module, vmId: "probe" });
    const policies = probes.map(({ match }, i) => ({
      name: `probe/${i}`,
      attach: [{ route: `probe-${i}` }],
      rules: [{ name: "met", match: [match], destination: { host: "met" } }],
    }));
    const result = host.configure(JSON.stringify({ policies }));
    if (!result.ok)
      throw new Error(`the filter refuses a condition: ${result.refusal?.message ?? result.trap}`);
    return probes.map((_, i) => {
      const stream = host.workers[0].request({
        headers: this.headers,
        route: { name: `probe-${i}`, virtualHost: "probe" },
        properties: { source: { address: this.source } },
      });
      const { headers } = stream.requestHeaders();
      return headers.some(([name]) => name === "x-sluice-destination");
    });
  }
}

/** The conditions of one entry, each as a match of its own. */
export function splitMatch(match: RequestMatch): Probe[] {
  const probes: Probe[] = [];
  const { uri, ignoreUriCase } = match;
  if (uri !== undefined) {
    const ignoring = ignoreUriCase === true ? ", in any case" : "";
    const part = ignoreUriCase === undefined ? { uri } : { uri, ignoreUriCase };
    probes.push({ text: `path ${describe(uri)}${ignoring}`, match: part });
  }
  for (const field of ["method", "scheme", "authority"] as const) {
    const condition = match[field];
    if (condition !== undefined) {
      probes.push({ text: `${field} ${describe(condition)}`, match: { [field]: condition } });
    }
  }
  const named = [
    ["headers", "header"],
    ["withoutHeaders", "not header"],
    ["queryParams", "query parameter"],
    ["cookies", "cookie"],
  ] as const;
  for (const [field, label] of named) {
    for (const [name, condition] of Object.entries(match[field] ?? {})) {
      probes.push({
        text: `${label} ${name} ${describe(condition)}`,
        match: { [field]: { [name]: condition } },
      });
    }
  }
  if (match.sourceIp !== undefined) {
    probes.push({ text: `client address in ${list(match.sourceIp)}`, match: { sourceIp: match.sourceIp } });
  }
  return probes;
}

function describe(m: StringMatch): string {
  if (m.exact !== undefined) return `is "${m.exact}"`;
  if (m.prefix !== undefined) return `begins with "${m.prefix}"`;
  if (m.suffix !== undefined) return `ends with "${m.suffix}"`;
  if (m.contains !== undefined) return `contains "${m.contains}"`;
  if (m.regex !== undefined) return `matches ${m.regex}`;
  return m.in === undefined ? "is present" : `is one of ${list(m.in)}`;
}

const list = (values: readonly string[]): string =>
  values.length <= 5 ? values.join(", ") : `${values.slice(0, 5).join(", ")} and ${values.length - 5} more`;
