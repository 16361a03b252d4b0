// What a README has its readers type, and whether the output is what it says.
//
// `console` blocks hold `$ command` lines, each followed by the output expected; `...` stands for any text. `sh`
// blocks hold commands whose output does not matter, with comments behind them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { projectRoot } from "../../envoy/root.ts";

export interface Block {
  language: string;
  text: string;
  line: number;
}

export interface Step {
  command: string;
  expected: string[];
  line: number;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const line = markdown.slice(0, match.index).split("\n").length;
    blocks.push({ language: match[1] ?? "", text: match[2] ?? "", line });
  }
  return blocks;
}

export function stepsOf(block: Block): Step[] {
  const steps: Step[] = [];
  block.text
    .trimEnd()
    .split("\n")
    .forEach((text, index) => {
      if (text.startsWith("$ "))
        steps.push({ command: text.slice(2), expected: [], line: block.line + 1 + index });
      else steps.at(-1)?.expected.push(text);
    });
  return steps;
}

/** Each expected line in order; `...` stands for any text within a line, other lines between are allowed only where it has one. */
export function assertPrints(output: string, step: Step): void {
  const where = `README.md:${step.line}: $ ${step.command}\nprinted:\n${output}`;
  const lines = output.trim() === "" ? [] : output.trimEnd().split("\n");
  if (step.expected.some((line) => line.includes("..."))) {
    let from = 0;
    for (const expected of step.expected) {
      const pattern = new RegExp(`^${expected.split("...").map(quote).join(".*")}$`);
      const found = lines.findIndex((line, index) => index >= from && pattern.test(line.trimEnd()));
      assert.notEqual(found, -1, `no line like ${expected}\n${where}`);
      from = found + 1;
    }
  } else {
    assert.deepEqual(
      lines.map((line) => line.trim()),
      step.expected,
      where,
    );
  }
}

const quote = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The commands of a `sh` block, without what is said about them. */
export const commandsOf = (block: Block): string[] =>
  block.text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""));

/** What a shell prints for it, errors included. */
export function runCommand(command: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn("bash", ["-c", command], { cwd: projectRoot, timeout: timeoutMs });
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output += data.toString()));
    child.on("close", () => resolve(output));
  });
}
