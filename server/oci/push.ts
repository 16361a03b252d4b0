// Pushes an image to a registry (OCI distribution specification 1.1): blobs that it lacks, each in one request,
// then the manifest. Of authentication: none, Basic, and Bearer tokens from the service that the registry names.

import type { Credentials } from "./credentials.ts";
import { type Blob, type Image, manifestType } from "./image.ts";
import type { Reference } from "./reference.ts";

export interface PushOptions {
  plainHttp: boolean;
  credentials?: Credentials | undefined;
}

/** Rejects with what the registry said. */
export async function pushImage(
  target: Required<Reference>,
  image: Image,
  { plainHttp, credentials }: PushOptions,
): Promise<void> {
  const registry = createSession(target, plainHttp, credentials);
  for (const blob of [image.layer, image.config]) await pushBlob(registry, blob);
  const { bytes } = image.manifest;
  const headers = { "content-type": manifestType };
  await registry.ask("PUT", `manifests/${target.tag}`, [201], { headers, body: Buffer.from(bytes) });
}

async function pushBlob(registry: Session, { digest, bytes }: Blob): Promise<void> {
  const there = await registry.ask("HEAD", `blobs/${digest}`, [200, 404]);
  if (there.status === 200) return;
  const { headers } = await registry.ask("POST", "blobs/uploads/", [202]);
  const location = headers.get("location");
  if (location === null) throw new Error("the registry accepted an upload and did not say where to");
  const url = new URL(location, registry.base);
  url.searchParams.set("digest", digest);
  const type = { "content-type": "application/octet-stream" };
  await registry.ask("PUT", url, [201], { headers: type, body: Buffer.from(bytes) });
}

interface Session {
  base: URL;
  /** @param where below the repository, or a URL that the registry gave. */
  ask(method: string, where: string | URL, expected: number[], init?: RequestInit): Promise<Response>;
}

const limitMs = 60_000;

function createSession(
  { registry, repository }: Reference,
  plainHttp: boolean,
  credentials: Credentials | undefined,
): Session {
  const base = new URL(`${plainHttp ? "http" : "https"}://${registry}/v2/${repository}/`);
  let authorization: string | undefined;
  const send = (method: string, url: URL, init: RequestInit): Promise<Response> => {
    // An upload may continue at another host, which has no business with our name.
    const ours = url.origin === base.origin && authorization !== undefined;
    return request(url, {
      ...init,
      method,
      headers: { ...init.headers, ...(ours && { authorization }) },
    } as RequestInit);
  };
  return {
    base,
    async ask(method, where, expected, init = {}) {
      const url = new URL(where, base);
      let answer = await send(method, url, init);
      if (answer.status === 401) {
        authorization = await authorize(answer, { base, repository, credentials });
        if (authorization !== undefined) answer = await send(method, url, init);
      }
      if (expected.includes(answer.status)) return answer;
      throw new Error(
        `${registry} answered ${answer.status} to ${method} ${url.pathname}${await reasonOf(answer)}`,
      );
    },
  };
}

async function request(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(limitMs) });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const text =
      cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
    throw new Error(`${url.host} cannot be reached: ${text}`);
  }
}

interface Challenged {
  base: URL;
  repository: string;
  credentials: Credentials | undefined;
}

/** What to send from now on; undefined: there is nothing better than what was refused. */
async function authorize(
  answer: Response,
  { base, repository, credentials }: Challenged,
): Promise<string | undefined> {
  const challenge = answer.headers.get("www-authenticate") ?? "";
  const basic =
    credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
  if (/^basic\b/i.test(challenge)) return basic;
  if (!/^bearer\b/i.test(challenge)) return undefined;
  const { realm, service, scope } = parametersOf(challenge);
  if (realm === undefined) return undefined;
  const url = new URL(realm);
  if (url.protocol !== "https:" && base.protocol === "https:")
    throw new Error(`${base.host} wants a token from ${url.origin}, which has no TLS: refused`);
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope ?? `repository:${repository}:pull,push`);
  const given = await request(url, basic === undefined ? {} : { headers: { authorization: basic } });
  if (!given.ok) throw new Error(`${url.host} gave no token: ${given.status}${await reasonOf(given)}`);
  const body = (await given.json()) as { token?: string; access_token?: string };
  const token = body.token ?? body.access_token;
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** `Bearer realm="...",service="..."`: commas stand in quotes too. */
const parametersOf = (challenge: string): Record<string, string | undefined> =>
  Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));

/** The specification's errors, or the first line of what it says otherwise. */
async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => "");
  try {
    const { errors = [] } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] };
    const said = errors.map(({ code = "", message = "" }) => [code, message].filter(Boolean).join(" "));
    if (said.length > 0) return `: ${said.join("; ")}`;
  } catch {
    // not JSON
  }
  const [line = ""] = text.trim().split("\n", 1);
  return line === "" ? "" : `: ${line.slice(0, 200)}`;
}
