// The few calls of a Kubernetes API that tests make, by URL: server-side apply, get, delete.

import { Agent, fetch } from "undici";
import { parseAllDocuments } from "yaml";

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface KubeAnswer {
  status: number;
  body: Record<string, unknown> & { message?: string };
}

export class KubeApi {
  readonly url: string;
  readonly #token: string;
  // Its certificate is its own, made a moment ago, on loopback.
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });
  readonly #plurals = new Map<string, { name: string; namespaced: boolean }>();

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /** The same API as another user. */
  as(token: string): KubeApi {
    return new KubeApi(this.url, token);
  }

  async call(method: string, path: string, body?: unknown, type = "application/json"): Promise<KubeAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": type, accept: "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    const answer = isJson ? (JSON.parse(text) as KubeAnswer["body"]) : { message: text };
    return { status: response.status, body: answer };
  }

  /** Server-side apply under strict field validation: the answer, refusals too. */
  async tryApply(object: KubeObject): Promise<KubeAnswer> {
    const query = "fieldManager=test&force=true&fieldValidation=Strict";
    return this.call("PATCH", `${await this.path(object)}?${query}`, object, "application/apply-patch+yaml");
  }

  /** Applies every document of a text, or fails with what the API server says. */
  async apply(documents: string | readonly KubeObject[]): Promise<void> {
    for (const object of typeof documents === "string" ? objectsOf(documents) : documents) {
      const { status, body } = await this.tryApply(object);
      if (status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${body.message}`);
    }
  }

  async get(object: KubeObject): Promise<KubeAnswer> {
    return this.call("GET", await this.path(object));
  }

  async remove(documents: string | readonly KubeObject[]): Promise<void> {
    for (const object of typeof documents === "string" ? objectsOf(documents) : documents) {
      await this.call("DELETE", await this.path(object));
    }
  }

  /** The path of one object, of an unnamed kind of the discovery API. */
  async path({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
    const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const key = `${apiVersion}/${kind}`;
    if (!this.#plurals.has(key)) {
      const { body } = await this.call("GET", base);
      for (const r of (body.resources ?? []) as { name: string; kind: string; namespaced: boolean }[]) {
        if (!r.name.includes("/")) this.#plurals.set(`${apiVersion}/${r.kind}`, r);
      }
    }
    const found = this.#plurals.get(key);
    if (found === undefined) throw new Error(`the API server has no ${key}`);
    const scope = found.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
    return `${base}${scope}/${found.name}/${metadata.name}`;
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

/** Documents as Kubernetes reads them, in YAML 1.1. */
export function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text, { version: "1.1", merge: true }).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const value: unknown = document.toJS();
    return value === null ? [] : [value as KubeObject];
  });
}
