// `npm run bench [-- ROUNDS]`: what each filter adds to a request, side by side.
//
// All contestants run at once, each in its own Envoy with one worker; short fixed runs are interleaved in
// rotating order, so that what the machine does besides hits all alike. Time is what the kernel charged to the
// worker thread, not wall time. Trust the ratios.

import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../envoy/root.ts";
import { contestants } from "./contestants.ts";
import { type Running, startContestant } from "./envoy.ts";
import { Load } from "./load.ts";
import { plot, type Row, table } from "./report.ts";

const rounds = Math.max(8, Number(process.argv[2] ?? 30));
const requestsPerRun = 1_600;
const warmUp = 6_400;

interface Measured extends Running {
  load: Load;
  /** Nanoseconds per request, one per round. */
  samples: number[];
}

const running: Measured[] = [];
try {
  for (const contestant of contestants()) {
    progress(`starting ${contestant.name}`);
    const started = await startContestant(contestant);
    running.push({ ...started, load: await Load.open(started.port), samples: [] });
  }
  for (const one of running) {
    progress(`warming up ${one.contestant.name}`);
    // The bucket of a contestant that refuses holds one token a second.
    await one.load.run(warmUp, one.contestant.status);
  }
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (let i = 0; i < running.length; i++) await measure(running[(round + i) % running.length]);
  }
  await report();
} finally {
  for (const { load, envoy } of running) {
    load.close();
    await envoy.stop();
  }
}

async function measure(one: Measured | undefined): Promise<void> {
  if (one === undefined) return;
  const before = await one.workerCpuNs();
  await one.load.run(requestsPerRun, one.contestant.status);
  one.samples.push(((await one.workerCpuNs()) - before) / requestsPerRun);
}

async function report(): Promise<void> {
  const bare = quantile(running[0]?.samples ?? [], 0.25);
  const chain = running.find(({ contestant }) => contestant.name.startsWith("native chain"));
  const chainAdds = quantile(chain?.samples ?? [], 0.25) - bare;
  const rows: Row[] = running.map(({ contestant, samples }) => {
    const cost = quantile(samples, 0.25);
    return {
      name: contestant.name,
      microseconds: cost / 1e3,
      added: (cost - bare) / 1e3,
      ratio: (cost - bare) / chainAdds,
      spread: (quantile(samples, 0.75) - cost) / 1e3,
    };
  });
  const text = table(rows, { rounds, requestsPerRun, processor: cpus()[0]?.model ?? "unknown" });
  const directory = join(projectRoot, "bench/results");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "cpu.md"), text);
  await writeFile(join(directory, "cpu.svg"), plot(rows));
  process.stdout.write(`\n${text}`);
}

function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
