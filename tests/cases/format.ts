// Reads a cases.yaml (see README.md) into typed cases. Anything unknown is an error, so that no expectation is
// written in vain.

import { readFile } from "node:fs/promises";
import { parse } from "yaml";

export type HeaderValues = Record<string, string | readonly string[]>;
export type HeaderExpectations = Record<string, string | readonly string[] | null>;

export interface CaseRoute {
  name: string;
  virtualHost: string;
  domains: readonly string[];
  prefix: string | undefined;
  path: string | undefined;
  headers: Record<string, string>;
  cluster: string;
  metadata: Record<string, Record<string, string | number | boolean>>;
  remove: readonly string[];
}

export interface Refused {
  path?: string;
  byte?: number;
  message?: string;
}

export interface CaseRequest {
  method: string;
  path: string;
  authority: string;
  pairs: readonly (readonly [string, string])[];
  body: string;
  source: string | undefined;
  worker: number;
}

export interface Expectation {
  upstream?: {
    route?: string;
    cluster?: string;
    method?: string;
    path?: string;
    authority?: string;
    headers?: HeaderExpectations;
  };
  reply?: { status?: number; headers?: HeaderExpectations; body?: string; details?: string };
  response?: { status?: number; headers?: HeaderExpectations; body?: string };
  statuses?: Record<string, number>;
  hostcalls?: Record<string, number>;
  callbacks?: Record<string, number>;
  metrics?: Record<string, number>;
}

export interface RequestStep {
  kind: "request";
  request: CaseRequest;
  answer: { status: number; headers: HeaderValues; body: string };
  repeat: number;
  expect: Expectation;
}

export type Step =
  | RequestStep
  | { kind: "advance"; ms: number }
  | { kind: "configure"; configuration: string; refused: Refused | undefined };

export interface Case {
  name: string;
  configuration: string;
  refused: Refused | undefined;
  nodeOnly: boolean;
  routes: readonly CaseRoute[];
  workers: number;
  rootId: string;
  properties: Record<string, unknown>;
  steps: readonly Step[];
}

export async function readCases(path: string): Promise<Case[]> {
  try {
    const document = fields(parse(await readFile(path, "utf8")), "the file", ["cases"]);
    const cases = array(document.cases, "cases").map(readCase);
    const names = cases.map((one) => one.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`two cases named "${twice}"`);
    return cases;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function readCase(value: unknown, index: number): Case {
  const name = fields(value, `cases[${index}]`).name;
  if (typeof name !== "string" || name === "") throw new Error(`cases[${index}].name is required`);
  const at = `case "${name}"`;
  const known = "name configuration refused hosts why routes workers rootId properties steps".split(" ");
  const one = fields(value, at, known);
  const nodeOnly = one.hosts !== undefined;
  if (nodeOnly && JSON.stringify(one.hosts) !== '["node"]')
    throw new Error(`${at}: hosts can only be [node]`);
  if (nodeOnly && typeof one.why !== "string") throw new Error(`${at}: say why Envoy cannot run it`);
  const refused = readRefused(one.refused, at);
  const steps = array(one.steps ?? [], `${at}.steps`).map((step, place) =>
    readStep(step, `${at}.steps[${place}]`),
  );
  const workers = Number(one.workers ?? 1);
  const forNode =
    steps.some((step) => step.kind === "configure") || workers > 1 || one.properties !== undefined;
  if (forNode && !nodeOnly) throw new Error(`${at}: needs hosts: [node], and why`);
  if ((refused === undefined) === (steps.length === 0)) throw new Error(`${at}: either refused or steps`);
  return {
    name,
    configuration: configurationText(one.configuration, at),
    refused,
    nodeOnly,
    routes: array(one.routes ?? [{ name: "default" }], `${at}.routes`).map((route) => readRoute(route, at)),
    workers,
    rootId: String(one.rootId ?? ""),
    properties: fields(one.properties ?? {}, `${at}.properties`),
    steps,
  };
}

function readStep(value: unknown, at: string): Step {
  const step = fields(value, at, [
    "request",
    "answer",
    "repeat",
    "expect",
    "advance",
    "configure",
    "refused",
  ]);
  if (step.advance !== undefined) return { kind: "advance", ms: milliseconds(step.advance, at) };
  if (step.configure !== undefined) {
    const configuration = configurationText(step.configure, at);
    return { kind: "configure", configuration, refused: readRefused(step.refused, at) };
  }
  const request = fields(step.request, `${at}.request`, [
    ..."method path authority headers pairs body source worker".split(" "),
  ]);
  const answer = fields(step.answer ?? {}, `${at}.answer`, ["status", "headers", "body"]);
  const expect = readExpectation(step.expect, `${at}.expect`);
  if (Object.keys(expect).length === 0) throw new Error(`${at}: a request expects something`);
  return {
    kind: "request",
    request: {
      method: String(request.method ?? "GET"),
      path: String(request.path ?? "/"),
      authority: String(request.authority ?? "cases.example"),
      pairs: [...flatten(request.headers), ...(array(request.pairs ?? [], at) as [string, string][])],
      body: String(request.body ?? ""),
      source: request.source === undefined ? undefined : String(request.source),
      worker: Number(request.worker ?? 0),
    },
    answer: {
      status: Number(answer.status ?? 200),
      headers: fields(answer.headers ?? {}, at) as HeaderValues,
      body: String(answer.body ?? ""),
    },
    repeat: Number(step.repeat ?? 1),
    expect,
  };
}

function readExpectation(value: unknown, at: string): Expectation {
  const parts: Record<string, readonly string[] | undefined> = {
    upstream: ["route", "cluster", "method", "path", "authority", "headers"],
    reply: ["status", "headers", "body", "details"],
    response: ["status", "headers", "body"],
    statuses: undefined,
    hostcalls: undefined,
    callbacks: undefined,
    metrics: undefined,
  };
  const expectation = fields(value, at, Object.keys(parts));
  for (const [name, known] of Object.entries(parts)) {
    if (expectation[name] !== undefined) fields(expectation[name], `${at}.${name}`, known);
  }
  return expectation as Expectation;
}

function readRoute(value: unknown, at: string): CaseRoute {
  const known = "name virtualHost domains prefix path headers cluster metadata remove".split(" ");
  const route = fields(value, `${at}.routes`, known);
  if (typeof route.name !== "string") throw new Error(`${at}: a route needs a name`);
  return {
    name: route.name,
    virtualHost: String(route.virtualHost ?? "cases"),
    domains: array(route.domains ?? ["*"], at) as string[],
    prefix: route.path === undefined ? String(route.prefix ?? "/") : undefined,
    path: route.path === undefined ? undefined : String(route.path),
    headers: fields(route.headers ?? {}, at) as Record<string, string>,
    cluster: String(route.cluster ?? route.name),
    metadata: fields(route.metadata ?? {}, at) as CaseRoute["metadata"],
    remove: array(route.remove ?? [], at) as string[],
  };
}

function readRefused(value: unknown, at: string): Refused | undefined {
  if (value === undefined) return undefined;
  const refused = fields(value, `${at}.refused`, ["path", "byte", "message"]);
  if (typeof refused.path !== "string") throw new Error(`${at}.refused.path is required ("" = the document)`);
  return refused as unknown as Refused;
}

function configurationText(value: unknown, at: string): string {
  if (value === undefined) throw new Error(`${at}.configuration is required`);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** "250ms", "2s", "1m". */
function milliseconds(value: unknown, at: string): number {
  const found = /^(\d+)(ms|s|m|h)$/.exec(String(value));
  if (found === null) throw new Error(`${at}.advance: write it as 250ms, 2s, 1m or 1h`);
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return Number(found[1]) * (units[found[2] ?? ""] ?? 0);
}

function flatten(headers: unknown): [string, string][] {
  return Object.entries(fields(headers ?? {}, "headers")).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
  );
}

function fields(value: unknown, at: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${at}: an object is due`);
  const strange = known === undefined ? undefined : Object.keys(value).find((name) => !known.includes(name));
  if (strange !== undefined) throw new Error(`${at}.${strange}: unknown; known are ${known?.join(", ")}`);
  return value as Record<string, unknown>;
}

function array(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${at}: a list is due`);
  return value;
}
