import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";
import { freePorts } from "./up/free-ports.ts";

const command = ["--import", "tsx", join(projectRoot, "cli/main.ts"), "samples", "--config"];

test("samples answer until they are stopped, and --check tells whether they do", async () => {
  const directory = await mkdtemp(join(tmpdir(), "sluice-samples-"));
  const [port] = await freePorts(1);
  await writeFile(
    join(directory, "mesh.yaml"),
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: search, namespace: demo}
spec:
  hosts: [search.demo.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: ${port}}, labels: {version: v7}}]
`,
  );
  const check = () =>
    promisify(execFile)(process.execPath, [...command, directory, "--check"], { cwd: projectRoot }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: unknown) => error as { code: number; stdout: string },
    );
  const line = `search v7 http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [...command, directory], {
    cwd: projectRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  try {
    const [first] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    assert.equal(first, line);
    const { code, stdout } = await check();
    assert.deepEqual([code, stdout], [0, `${line} answers\n`]);
    const echo = (await (await fetch(`http://127.0.0.1:${port}/x`)).json()) as { version: string };
    assert.equal(echo.version, "v7");
  } finally {
    child.kill("SIGTERM");
    await ended;
    const { code, stdout } = await check();
    assert.deepEqual([code, stdout], [1, `${line} does not answer\n`]);
    await rm(directory, { recursive: true });
  }
  assert.deepEqual(await ended, [0, null]);
});
