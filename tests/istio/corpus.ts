// The corpus: cases of Istio resources with requests, each case on a host of its own, `NAME.example`, behind one
// Gateway, with a service of its own, `NAME.default.svc.cluster.local`, of three versions.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Headers } from "../support/mesh.ts";

export interface CorpusRequest {
  path: string;
  method: string;
  host: string;
  headers: Headers;
  /** More than 1: only how often each outcome comes is compared, as chance decides. */
  repeat: number;
  /** Backends that must have seen requests with this id just as often on both sides. */
  seen: Readonly<Record<string, string>>;
}

type Short = string | (Partial<Omit<CorpusRequest, "path">> & { path: string });
type Json = Record<string, unknown>;

export interface CorpusCase {
  name: string;
  hosts?: string[];
  gateways?: string[];
  http?: Json[];
  rule?: Json;
  subset?: Json;
  resources?: Json[];
  requests: Short[];
  /** Repeated requests go to one instance, which one may differ. */
  sticky?: boolean;
}

/** What stands for `{...}` in a case. */
export interface Filling {
  side: string;
  port: number;
  otherPort: number;
  backends: Readonly<Record<string, number>>;
}

export function readCorpus(): CorpusCase[] {
  const folder = join(import.meta.dirname, "corpus");
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      return (parse(text, { maxAliasCount: 1_000 }) as { cases: CorpusCase[] }).cases;
    });
}

export function requestsOf({ name, requests }: CorpusCase, filling: Filling): CorpusRequest[] {
  return requests.map((short) => {
    const given = typeof short === "string" ? { path: short } : short;
    const whole = { method: "GET", host: `${name}.example`, headers: {}, repeat: 1, seen: {}, ...given };
    return JSON.parse(fill(JSON.stringify(whole), name, filling)) as CorpusRequest;
  });
}

/** All cases' resources as one text. */
export function corpusYaml(cases: readonly CorpusCase[], filling: Filling): string {
  const documents = [
    ...gateways(filling),
    ...cases.flatMap((one) => fillAll(documentsOf(one, filling.backends), one.name, filling)),
  ];
  return documents
    .map((document) => stringify(document, { version: "1.1", aliasDuplicateObjects: false }))
    .join("---\n");
}

const fillAll = (documents: readonly Json[], name: string, filling: Filling): Json[] =>
  JSON.parse(fill(JSON.stringify(documents), name, filling)) as Json[];

/** `"{port}"` with its quotes is a number. */
const fill = (text: string, name: string, { side, port }: Filling): string =>
  text
    .replaceAll('"{port}"', String(port))
    .replaceAll("{port}", String(port))
    .replaceAll("{side}", `${side}-${name}`)
    .replaceAll("{host}", `${name}.default.svc.cluster.local`);

const istio = (kind: string, name: string, spec: Json): Json => ({
  apiVersion: "networking.istio.io/v1",
  kind,
  metadata: { name, namespace: "default" },
  spec,
});

function gateways({ port, otherPort }: Filling): Json[] {
  const server = (number: number) => ({
    port: { number, name: "http", protocol: "HTTP" },
    bind: "127.0.0.1",
    hosts: ["*"],
  });
  return [
    istio("Gateway", "gw", { selector: { istio: "gw" }, servers: [server(port)] }),
    istio("Gateway", "other", { selector: { istio: "gw" }, servers: [server(otherPort)] }),
  ];
}

function documentsOf(one: CorpusCase, backends: Filling["backends"]): Json[] {
  const {
    name,
    hosts = [`${name}.example`],
    gateways = ["gw"],
    http = [{ route: [{ destination: { host: "{host}" } }] }],
  } = one;
  const versions = Object.keys(backends);
  return [
    istio("VirtualService", name, { hosts, gateways, http: http.map(expand) }),
    istio("DestinationRule", name, {
      host: "{host}",
      ...one.rule,
      subsets: versions.map((version) => ({ name: version, labels: { version }, ...one.subset })),
    }),
    istio("ServiceEntry", name, {
      hosts: ["{host}"],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      endpoints: versions.map((version) => ({
        address: "127.0.0.1",
        ports: { http: backends[version] },
        labels: { version },
      })),
    }),
    ...(one.resources ?? []),
  ];
}

function expand({ to, ...http }: Json): Json {
  return to === undefined ? http : { ...http, route: [{ destination: { host: "{host}", subset: to } }] };
}
