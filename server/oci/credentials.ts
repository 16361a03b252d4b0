// Who we are to a registry: what `docker login`, `crane auth login` and the like left in docker's config.json, as
// the text itself or in a credential helper.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Credentials {
  username: string;
  password: string;
}

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string } | undefined>;
  credsStore?: string;
  credHelpers?: Record<string, string | undefined>;
}

/** Undefined: none are known, we are anybody. */
export function credentialsFor(
  registry: string,
  environment: NodeJS.ProcessEnv = process.env,
): Credentials | undefined {
  const path = join(environment.DOCKER_CONFIG || join(homedir(), ".docker"), "config.json");
  if (!existsSync(path)) return undefined;
  let config: DockerConfig;
  try {
    config = JSON.parse(readFileSync(path, "utf8")) as DockerConfig;
  } catch {
    throw new Error(`${path} is not JSON: log in again with \`docker login ${registry}\``);
  }
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  if (helper) {
    const found = askHelper(helper, registry, environment);
    if (found !== undefined) return found;
  }
  const entry = config.auths?.[registry] ?? config.auths?.[`https://${registry}`];
  if (entry?.username && entry.password) return { username: entry.username, password: entry.password };
  const text = Buffer.from(entry?.auth ?? "", "base64").toString();
  const colon = text.indexOf(":");
  return colon < 1 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The protocol of docker's helpers: the registry on standard input, JSON on standard output. */
function askHelper(helper: string, registry: string, env: NodeJS.ProcessEnv): Credentials | undefined {
  if (!/^[\w.-]+$/.test(helper))
    throw new Error(`docker's config.json names an odd credential helper: ${helper}`);
  const { status, stdout, error } = spawnSync(`docker-credential-${helper}`, ["get"], {
    input: registry,
    encoding: "utf8",
    env,
  });
  if (error) throw new Error(`docker-credential-${helper}, which docker's config.json names, does not run`);
  if (status !== 0) return undefined; // it has none for this registry
  const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
  return { username: Username, password: Secret };
}
