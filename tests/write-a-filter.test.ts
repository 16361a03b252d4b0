// docs/write-a-filter.md, word by word: its files are written, its commands are run, and its tests must pass.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../envoy/root.ts";

const run = promisify(execFile);

type Step = { path: string; text: string } | { command: string };

/** The document's steps in order: files as "`path`:" before a code block, commands in `sh` blocks. */
function stepsOf(markdown: string): Step[] {
  const blocks = markdown.matchAll(/(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, path, language, text = ""]): Step[] => {
    if (path !== undefined) return [{ path, text }];
    assert.equal(language, "sh", `a block that is neither a file nor a command:\n${text}`);
    return text
      .trimEnd()
      .split("\n")
      .map((command) => ({ command }));
  });
}

test("docs/write-a-filter.md takes a reader to a tested filter", { timeout: 240_000 }, async () => {
  // A stand-in for the clone, so that the reader's folder does not appear in this one.
  const clone = await mkdtemp(join(tmpdir(), "sluice-guide-"));
  try {
    for (const entry of await readdir(projectRoot)) {
      if (entry !== "team_gate" && entry !== ".git")
        await symlink(join(projectRoot, entry), join(clone, entry));
    }
    const steps = stepsOf(await readFile(join(projectRoot, "docs/write-a-filter.md"), "utf8"));
    assert.ok(steps.length >= 7, `only ${steps.length} steps found`);
    const environment = { ...process.env };
    // Set by the runner of this very test; the reader's own `node --test` would report to it instead.
    delete environment.NODE_TEST_CONTEXT;
    let output = "";
    for (const step of steps) {
      if ("path" in step) {
        await mkdir(dirname(join(clone, step.path)), { recursive: true });
        await writeFile(join(clone, step.path), step.text);
        continue;
      }
      const ran = await run("bash", ["-c", step.command], { cwd: clone, env: environment }).catch(
        (error: unknown) => {
          const { stdout, stderr } = error as { stdout: string; stderr: string };
          throw new Error(`$ ${step.command}\n${stdout}${stderr}`);
        },
      );
      output = ran.stdout;
    }
    assert.match(output, /pass 4\b/);
    assert.match(output, /fail 0\b/);
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
});
