// Modules that are measured beside ours, built under build/bench/ when what they are made of has changed. A peer whose
// toolchain is not to be had is left out, with the reason.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";
import { buildRustPeer } from "./rust-peer.ts";

const run = promisify(execFile);
const peers = join(projectRoot, "bench/peers");
const built = join(projectRoot, "build/bench");

export interface Modules {
  empty: string;
  calls: string;
  /** Undefined: see notes. */
  proxyRuntime: string | undefined;
  rust: string | undefined;
  notes: string[];
}

export async function buildModules(): Promise<Modules> {
  await mkdir(built, { recursive: true });
  const notes: string[] = [];
  const optional = async (name: string, make: (to: string) => Promise<void>) => {
    try {
      return await once(name, make);
    } catch (error) {
      const reason =
        error instanceof Error ? (error.message.split("\n").at(-1) ?? error.message) : String(error);
      notes.push(`Left out, ${name}: ${reason}`);
      return undefined;
    }
  };
  return {
    empty: await once("empty.ts", (to) => compile("bench/peers/empty.ts", to)),
    calls: await once("calls.ts", (to) => compile("bench/peers/calls.ts", to)),
    proxyRuntime: await optional("proxy-runtime", compileProxyRuntime),
    rust: await optional("rust", (to) => buildRustPeer(join(peers, "rust"), join(built, "rust"), to)),
    notes,
  };
}

/** The module made of bench/peers/NAME, made anew only when a file of it has changed. */
async function once(name: string, make: (to: string) => Promise<void>): Promise<string> {
  const file = join(built, `${name.replace(/\.ts$/, "")}.wasm`);
  const stamp = `${file}.stamp`;
  const hash = await hashOf(join(peers, name));
  if (existsSync(file) && existsSync(stamp) && (await readFile(stamp, "utf8")) === hash) return file;
  process.stderr.write(`building bench/peers/${name}\n`);
  await make(file);
  await writeFile(stamp, hash);
  return file;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  const files = path.endsWith(".ts")
    ? [path]
    : (await readdir(path, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort();
  for (const file of files) hash.update(file).update(await readFile(file));
  return hash.digest("hex");
}

async function compile(source: string, to: string): Promise<void> {
  const asc = join(projectRoot, "node_modules/assemblyscript/bin/asc.js");
  const options = ["--config", "asconfig.json", "--target", "release", "--outFile", to];
  await run(process.execPath, [asc, source, ...options], { cwd: projectRoot });
}

/** Its classes want a compiler of their time, which is installed beside it. */
async function compileProxyRuntime(to: string): Promise<void> {
  const folder = join(built, "proxy-runtime");
  await rm(folder, { recursive: true, force: true });
  await cp(join(peers, "proxy-runtime"), folder, { recursive: true });
  await run("npm", ["ci", "--ignore-scripts"], { cwd: folder });
  const asc = join(folder, "node_modules/assemblyscript/bin/asc");
  // As the README of proxy-runtime says.
  const options = ["--use", "abort=abort_proc_exit", "--optimize"];
  await run(process.execPath, [asc, "assembly/index.ts", "-b", to, ...options], { cwd: folder });
}
