// The package as `npm pack` makes it, installed in an empty folder without network, scripts or a build: the
// command, the server with its dashboard and modules, the host with types, the toolkit for authors of filters.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";

const run = promisify(execFile);
const installed = "node_modules/sluice";

describe("the package in an empty folder", () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-package-"));
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: projectRoot });
    const [archive = ""] = await readdir(folder);
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    const options = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...options, `./${archive}`], { cwd: folder });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const sluice = async (...args: string[]): Promise<{ code: number; output: string }> => {
    const ran = await run("npx", ["--offline", "sluice", ...args], { cwd: folder }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
    return { code: ran.code, output: `${ran.stdout}${ran.stderr}` };
  };

  test("brings nothing else, and holds neither tests nor sources that are bundled", async () => {
    assert.deepEqual(
      (await readdir(join(folder, "node_modules"))).filter((name) => !name.startsWith(".")),
      ["sluice"],
    );
    const files = (await readdir(join(folder, installed), { recursive: true })).map(String);
    assert.deepEqual(
      files.filter((file) =>
        /\.(test|spec)\.ts$|^(server|cli|tests|bench|build\/filters\/debug)\//.test(file),
      ),
      [],
    );
    for (const file of [
      "LICENSE",
      "CHANGELOG.md",
      "SECURITY.md",
      "schema/generated/json/RateLimitPolicy.json",
    ])
      assert.ok(files.includes(file), file);
  });

  test("the command tells its version and checks a folder", async () => {
    const { version } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as {
      version: string;
    };
    assert.deepEqual(await sluice("--version"), { code: 0, output: `${version}\n` });
    assert.equal((await sluice("validate", `${installed}/examples/rate-limit`)).code, 0);
    await mkdir(join(folder, "mesh"));
    await writeFile(
      join(folder, "mesh/wrong.yaml"),
      "apiVersion: sluice.traffic/v1alpha1\nkind: RateLimitPolicy\nmetadata: {name: a, namespace: b}\nspec: {limit: []}\n",
    );
    const { code, output } = await sluice("validate", "mesh");
    assert.equal(code, 1);
    assert.match(output, /mesh\/wrong\.yaml:4:8: error: .*limit/);
  });

  test("`npx sluice serve` serves a folder, the modules and the dashboard", async () => {
    const any = ["--http", "0", "--xds", "0", "--listen", "0"];
    const child = spawn(
      process.execPath,
      ["node_modules/.bin/sluice", "serve", "--config", `${installed}/examples/rate-limit`, ...any],
      { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const ended = new Promise((resolve) => child.once("close", resolve));
    try {
      const origin = await originOf(child.stderr);
      const get = async (path: string) => {
        const answer = await fetch(`${origin}${path}`);
        return { status: answer.status, body: await answer.text() };
      };
      const { filters } = JSON.parse((await get("/filters/index.json")).body) as {
        filters: { name: string }[];
      };
      for (const name of ["fault", "header_routing", "metrics", "rate_limit"])
        assert.ok(
          filters.some((filter) => filter.name === name),
          name,
        );
      assert.deepEqual(await get("/healthz"), { status: 200, body: "ok\n" });
      const [, script = ""] = /<script[^>]* src="\.?([^"]+)"/.exec((await get("/")).body) ?? [];
      assert.equal((await get(script)).status, 200, script);
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal(await ended, 0);
  });

  test("the host is typed and runs the release modules", async () => {
    const program = `
import { readFile } from "node:fs/promises";
import { compileModule, Host } from "sluice/host";

const url = import.meta.resolve("sluice/filters/rate_limit.wasm");
const host = new Host({ module: await compileModule(await readFile(new URL(url))) });
const { ok, refusal } = host.configure('{"policies": [{}]}');
console.log(ok, refusal?.path);
`;
    await writeFile(join(folder, "user.mjs"), program);
    const { stdout } = await run(process.execPath, ["user.mjs"], { cwd: folder });
    assert.match(stdout, /^false policies\[0\]/);

    await writeFile(join(folder, "user.mts"), program);
    const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
    const options = "--noEmit --strict --target es2022 --module nodenext --types node";
    const roots = ["--typeRoots", join(projectRoot, "node_modules/@types")];
    await run(process.execPath, [tsc, ...options.split(" "), ...roots, "user.mts"], { cwd: folder });
  });

  test("a filter is compiled from the toolkit", async () => {
    // What an author installs beside it, as the package's peers say.
    await mkdir(join(folder, "node_modules/@solo-io"));
    for (const peer of ["assemblyscript", "@solo-io/proxy-runtime"])
      await symlink(join(projectRoot, "node_modules", peer), join(folder, "node_modules", peer));
    await writeFile(
      join(folder, "filter.ts"),
      `import { hostMemory } from "sluice/assembly/abi/arena";
import { enter, REQUEST } from "sluice/assembly/abi/phase";
import { readRequestHeaders } from "sluice/assembly/request/view";

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_memory_allocate(size: usize): usize {
  return hostMemory(size);
}
export function proxy_on_request_headers(stream: u32, count: u32, end: u32): u32 {
  enter(REQUEST);
  return readRequestHeaders() ? 0 : 1;
}
`,
    );
    const asc = join(projectRoot, "node_modules/assemblyscript/bin/asc.js");
    const options = ["--runtime", "minimal", "--use", "abort=", "--exportStart", "_initialize"];
    await run(process.execPath, [asc, "filter.ts", ...options, "--outFile", "filter.wasm"], { cwd: folder });
    const module = new WebAssembly.Module(await readFile(join(folder, "filter.wasm")));
    assert.ok(WebAssembly.Module.exports(module).some(({ name }) => name === "proxy_on_request_headers"));
  });
});

async function originOf(log: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: log })) {
    const event = line.startsWith("{") ? (JSON.parse(line) as Record<string, unknown>) : {};
    if (event.msg !== "serving") continue;
    log.resume();
    return `http://127.0.0.1:${String(event.http)}`;
  }
  throw new Error("the server ended before it served");
}
