// `sluice faults`: the switch is a file that the loader reads, and the list says what, whom and until when.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Command } from "commander";
import { timeLeft } from "../server/policy/fault-text.ts";
import { isSwitchedOff } from "../server/policy/kinds.ts";
import { loadFolder } from "../server/source/load.ts";
import { listFaults, register, switchFile } from "./faults.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-faults-"));
  await writeFile(
    join(folder, "a.yaml"),
    `
apiVersion: sluice.traffic/v1alpha1
kind: FaultPolicy
metadata: {name: p, namespace: ns}
spec:
  expiresAt: 2027-01-01T00:00:00Z
  faults:
  - {name: slow, percentage: 0.5%, delay: {fixed: 2s}, abort: {httpStatus: 503}}
  - {name: down, percentage: 10, stickyBy: {header: uid}, abort: {grpcStatus: UNAVAILABLE}, schedule: {until: 2026-06-01T00:00:00Z}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: ns}
spec:
  hosts: [shop]
  http:
  - name: all
    fault: {delay: {fixedDelay: 5s, percentage: {value: 0.1}}}
    route: [{destination: {host: shop}}]
`,
  );
});
after(() => rm(folder, { recursive: true, force: true }));

async function faults(...words: string[]): Promise<string> {
  const program = new Command();
  register(program);
  let printed = "";
  const write = process.stdout.write;
  process.stdout.write = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  try {
    await program.parseAsync(["faults", ...words, "--config", folder], { from: "user" });
  } finally {
    process.stdout.write = write;
  }
  return printed;
}

test("list: what, whom, where, and the time left", async () => {
  const { resources } = await loadFolder(folder);
  const listed = listFaults(resources, new Date("2026-12-31T23:57:30Z"));
  assert.deepEqual(
    listed.map(({ policy, fault, does, where, timeLeft: left }) => [policy, fault, does, where, left]),
    [
      [
        "ns/p",
        "slow",
        "delay 2s, then abort 503: 0.5 % each by dice of its own, drawn for each request",
        "every route",
        "2m 30s left",
      ],
      ["ns/p", "down", "abort gRPC UNAVAILABLE: 10 %, the same by header uid", "every route", "ended"],
      [
        "ns/shop.all",
        "delay",
        "delay 5s: 0.1 %, drawn for each request",
        "VirtualService shop/all",
        "no end",
      ],
    ],
  );
});

test("off writes a resource that the loader reads, on takes it away", async () => {
  assert.match(await faults("off", "--reason", 'a "night" off'), /faults are off/);
  const { resources, diagnostics } = await loadFolder(folder);
  assert.deepEqual(
    diagnostics.filter((d) => d.severity === "error"),
    [],
  );
  assert.ok(resources.some(isSwitchedOff));
  assert.match(readFileSync(join(folder, switchFile), "utf8"), /reason: "a \\"night\\" off"/);
  assert.match(await faults("list"), /^all faults are off/);
  assert.equal(await faults("on"), "faults are on\n");
  assert.ok(!existsSync(join(folder, switchFile)));
  assert.equal(JSON.parse(await faults("list", "--json")).length, 3);
});

test("on leaves alone what it has not written", async () => {
  await writeFile(join(folder, switchFile), "# mine\n");
  await assert.rejects(faults("on"), /holds something else/);
  await rm(join(folder, switchFile));
});

for (const [seconds, expected] of [
  [0, "ended"],
  [59, "59s left"],
  [3_600, "1h left"],
  [90_061, "1d 1h left"],
] as const) {
  test(`time left: ${expected}`, () => {
    assert.equal(timeLeft(new Date(seconds * 1000), new Date(0)), expected);
  });
}
