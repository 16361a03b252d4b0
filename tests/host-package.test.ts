// The host as others use it: installed as a package, imported by name, with types, in plain JavaScript.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";

const run = promisify(execFile);
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-user-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(projectRoot, join(folder, "node_modules/sluice"));
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
});
after(() => rm(folder, { recursive: true }));

const program = `
import { readFile } from "node:fs/promises";
import { compileModule, Host } from "sluice/host";

const url = import.meta.resolve("sluice/filters/header_routing.wasm");
const module = await compileModule(await readFile(new URL(url)));
const host = new Host({ module });
const refused = host.configure('{"policies": 1}');
const accepted = host.configure('{"policies": []}');
console.log(refused.ok, refused.refusal?.path, accepted.ok);
`;

test("runs the release module from a program of one's own", async () => {
  await writeFile(join(folder, "user.mjs"), program);
  const { stdout } = await run(process.execPath, ["user.mjs"], { cwd: folder });
  assert.equal(stdout.trim(), "false policies true");
});

test("its types tell a misuse from a use", async () => {
  const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
  const check = async (text: string): Promise<string> => {
    await writeFile(join(folder, "user.mts"), text);
    const options = "--noEmit --strict --skipLibCheck --target es2022 --module nodenext --types node";
    const roots = ["--typeRoots", join(projectRoot, "node_modules/@types")];
    return run(process.execPath, [tsc, ...options.split(" "), ...roots, "user.mts"], { cwd: folder }).then(
      () => "",
      (error: unknown) => (error as { stdout: string }).stdout,
    );
  };
  assert.equal(await check(program), "");
  assert.match(await check(program.replace("{ module }", "{ modul: module }")), /error TS2561.*modul/);
});
