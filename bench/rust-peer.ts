// The Rust peer, with whatever Rust of this machine has a library for wasm32: the one of rustup
// (`rustup target add wasm32-wasip1`), or Debian's (packages cargo, lld and libstd-rust-dev-wasm32).

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const targets = ["wasm32-wasip1", "wasm32-wasi"];

/** Versions of 2023, since later ones want a later Rust than Debian's. */
const heldBack = { hashbrown: "0.13.2", ahash: "0.8.3", once_cell: "1.17.1" };

interface Toolchain {
  cargo: string;
  /** Where rustc is, put in front of PATH. */
  path: string;
  target: string;
  linker: Record<string, string>;
}

/** Compiles `source` in `folder` and puts the module at `to`. Rejects with the reason. */
export async function buildRustPeer(source: string, folder: string, to: string): Promise<void> {
  const toolchain = await findToolchain();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(source, folder, { recursive: true });
  await fetchCrates(folder);
  const { cargo, path, target, linker } = toolchain;
  const env = { ...process.env, PATH: `${path}:${process.env.PATH ?? ""}`, ...linker };
  await run(cargo, ["build", "--offline", "--release", "--target", target], { cwd: folder, env });
  await copyFile(join(folder, `target/${target}/release/sluice_bench_peer.wasm`), to);
}

async function findToolchain(): Promise<Toolchain> {
  for (const path of [...(process.env.PATH ?? "").split(":"), "/usr/bin"]) {
    if (!existsSync(join(path, "cargo")) || !existsSync(join(path, "rustc"))) continue;
    for (const target of targets) {
      if (!(await hasTarget(join(path, "rustc"), target))) continue;
      const isDistribution = path === "/usr/bin";
      // Debian's Rust looks for a rust-lld that it does not have.
      const linker = isDistribution
        ? { [`CARGO_TARGET_${target.toUpperCase().replaceAll("-", "_")}_LINKER`]: "wasm-ld" }
        : {};
      return { cargo: join(path, "cargo"), path, target, linker };
    }
  }
  throw new Error("no Rust here has a library for wasm32");
}

async function hasTarget(rustc: string, target: string): Promise<boolean> {
  try {
    const { stdout } = await run(rustc, ["--print", "target-libdir", "--target", target]);
    return existsSync(stdout.trim());
  } catch {
    return false;
  }
}

/** By the first cargo on PATH: an older one cannot fetch from today's index, but it can build from a folder. */
async function fetchCrates(folder: string): Promise<void> {
  await run("cargo", ["generate-lockfile"], { cwd: folder });
  for (const [crate, version] of Object.entries(heldBack))
    await run("cargo", ["update", "-p", crate, "--precise", version], { cwd: folder });
  const lock = join(folder, "Cargo.lock");
  await writeFile(lock, (await readFile(lock, "utf8")).replace(/^version = 4$/m, "version = 3"));
  await run("cargo", ["vendor", "vendor"], { cwd: folder });
  await mkdir(join(folder, ".cargo"));
  const sources = '[source.crates-io]\nreplace-with = "here"\n[source.here]\ndirectory = "vendor"\n';
  await writeFile(join(folder, ".cargo/config.toml"), sources);
}
