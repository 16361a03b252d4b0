// The secrets of one build: read from their files, checked, in Envoy's form. A pair that is broken or out of date
// is told, and the last good one of the same name stays.

import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import {
  type Secret,
  SecretSchema,
} from "../build/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { Diagnostic } from "../schema/diagnostic.ts";
import { formatPath } from "../schema/path.ts";
import { authoritiesFault, daysLeft, type Fault, pairFault, revocationFault } from "./certificates.ts";
import { identity } from "./istio/report.ts";
import { describePem, type MeshSecret, type Pem, type SecretUse } from "./istio/secrets.ts";

interface Kept {
  /** The last good one; undefined: there never was one. */
  message: Secret | undefined;
  /** What it was made from. */
  texts: readonly string[];
  problem: string | undefined;
  warning: string | undefined;
}

/** Far above any bundle of authorities. */
const maxBytes = 4 * 1_048_576;

export class SecretStore {
  readonly #before: ReadonlyMap<string, Kept>;
  readonly #now = new Map<string, Kept>();
  readonly #files = new Set<string>();

  constructor(previous?: SecretStore) {
    this.#before = previous === undefined ? new Map() : previous.#now;
  }

  /** To be watched. */
  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** What the proxy gets; undefined where there is nothing good, which `check` tells. */
  message(secret: MeshSecret): Secret | undefined {
    return this.#kept(secret).message;
  }

  /** What is wrong with it, told where it is used. */
  check({ secret, resource, path }: SecretUse): Diagnostic[] {
    const { message, problem, warning } = this.#kept(secret);
    const at = { ...resource.position(path), resource: identity(resource), path: formatPath(path) };
    if (problem === undefined) {
      return warning === undefined ? [] : [{ ...at, severity: "warning", message: warning }];
    }
    if (message === undefined) return [{ ...at, severity: "error", message: problem }];
    const text = `${problem} The last good one stays in use.`;
    return [{ ...at, severity: "error", message: text, isContained: true }];
  }

  #kept(secret: MeshSecret): Kept {
    const known = this.#now.get(secret.name);
    if (known !== undefined) return known;
    const kept = this.#read(secret, Date.now());
    this.#now.set(secret.name, kept);
    return kept;
  }

  #read(secret: MeshSecret, nowMs: number): Kept {
    const last = this.#before.get(secret.name);
    const refuse = (problem: string): Kept => ({
      message: last?.message,
      texts: last?.texts ?? [],
      problem,
      warning: undefined,
    });
    const sources = sourcesOf(secret);
    const texts: string[] = [];
    for (const source of sources) {
      const text = this.#text(source);
      if (typeof text !== "string") return refuse(`${describePem(source)}: ${text.reason}.`);
      texts.push(text);
    }
    const fault = faultOf(secret, texts, nowMs);
    if (fault !== undefined) {
      const source =
        secret.kind === "certificate" ? partOf(secret, fault.part) : sources[fault.part === "crl" ? 1 : 0];
      return refuse(`${source === undefined ? "" : describePem(source)}: ${fault.reason}.`);
    }
    const isSame = last?.message !== undefined && last.texts.every((text, i) => text === texts[i]);
    const message =
      isSame && last.texts.length === texts.length ? last.message : secretMessage(secret, texts);
    return { message, texts, problem: undefined, warning: expiry(secret, texts, nowMs) };
  }

  #text(source: Pem): string | { reason: string } {
    if ("text" in source) return source.text;
    this.#files.add(source.file);
    try {
      const bytes = readFileSync(source.file);
      return bytes.length > maxBytes ? { reason: "it is larger than 4 MiB" } : bytes.toString("latin1");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return { reason: "there is no such file" };
      return { reason: code === "EACCES" ? "it may not be read" : message };
    }
  }
}

const sourcesOf = (secret: MeshSecret): Pem[] =>
  secret.kind === "certificate"
    ? [secret.certificate, secret.privateKey]
    : [secret.ca, ...(secret.crl === undefined ? [] : [secret.crl])];

const partOf = (secret: MeshSecret & { kind: "certificate" }, part: Fault["part"]): Pem =>
  part === "privateKey" ? secret.privateKey : secret.certificate;

function faultOf({ kind }: MeshSecret, texts: readonly string[], nowMs: number): Fault | undefined {
  const [first = "", second] = texts;
  if (kind === "certificate") return pairFault(first, second ?? "", nowMs);
  return authoritiesFault(first, nowMs) ?? (second === undefined ? undefined : revocationFault(second));
}

function expiry(secret: MeshSecret, [chain = ""]: readonly string[], nowMs: number): string | undefined {
  if (secret.kind !== "certificate") return undefined;
  const days = daysLeft(chain, nowMs);
  if (days === undefined) return undefined;
  const when = days === 0 ? "within a day" : days === 1 ? "in a day" : `in ${days} days`;
  return `${describePem(secret.certificate)}: the certificate expires ${when}.`;
}

function secretMessage({ name, kind }: MeshSecret, texts: readonly string[]): Secret {
  const [first, second] = texts.map((text) => ({
    specifier: { case: "inlineBytes" as const, value: Uint8Array.from(Buffer.from(text, "latin1")) },
  }));
  return create(SecretSchema, {
    name,
    type:
      kind === "certificate"
        ? { case: "tlsCertificate", value: { certificateChain: first, privateKey: second } }
        : { case: "validationContext", value: { trustedCa: first, crl: second } },
  });
}
