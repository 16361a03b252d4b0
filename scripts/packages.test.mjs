import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packagesAreCurrent } from "./packages.mjs";

const locked = {
  "": { name: "project" },
  "node_modules/a": { integrity: "sha512-a1" },
  "node_modules/for-another-system": { integrity: "sha512-o", optional: true },
};

const cases = [
  { name: "as locked", installed: { "node_modules/a": { integrity: "sha512-a1" } }, current: true },
  { name: "another version", installed: { "node_modules/a": { integrity: "sha512-a2" } }, current: false },
  { name: "one is missing", installed: {}, current: false },
  { name: "nothing installed", installed: undefined, current: false },
  {
    name: "an optional one in another version",
    installed: {
      "node_modules/a": { integrity: "sha512-a1" },
      "node_modules/for-another-system": { integrity: "sha512-p" },
    },
    current: false,
  },
];

for (const { name, installed, current } of cases) {
  test(`packages: ${name}`, () => {
    const root = mkdtempSync(join(tmpdir(), "sluice-packages-"));
    try {
      writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: locked }));
      if (installed !== undefined) {
        mkdirSync(join(root, "node_modules"));
        const text = JSON.stringify({ packages: installed });
        writeFileSync(join(root, "node_modules", ".package-lock.json"), text);
      }
      assert.equal(packagesAreCurrent(root), current);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
}
