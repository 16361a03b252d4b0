// `sluice status`: what a running server serves, what is wrong with its folder, and where each Envoy stands.

import type { Command } from "commander";
import type { ProxiesReport, ProxyReport, SnapshotReport } from "../server/http/proxies.ts";

interface StatusOptions {
  server: string;
  json?: boolean;
}

const examples = `
Examples:
  $ sluice status                                   the server of this machine
  $ sluice status --server http://10.0.0.5:8080     another one
  $ sluice status --json | jq '.proxies[].state'

Exit code: 0 when the folder is without error and no proxy refuses anything, 1 when not,
2 when the server cannot be reached.`;

export function register(program: Command): void {
  program
    .command("status")
    .summary("show every connected Envoy and the configuration's errors")
    .description(
      "Shows the version that a running server serves, the errors and warnings of its folder, and for every " +
        "connected Envoy the version that it has and whether it acknowledged (ACK) or refused (NACK) it, and why.",
    )
    .option("--server <url>", "address of the server's HTTP port", "http://127.0.0.1:8080")
    .option("--json", "print what the API answers, as one JSON object")
    .addHelpText("after", examples)
    .action(run);
}

async function run(options: StatusOptions): Promise<void> {
  let snapshot: SnapshotReport;
  let proxies: ProxiesReport;
  try {
    [snapshot, proxies] = await Promise.all([
      ask<SnapshotReport>(options.server, "snapshot"),
      ask<ProxiesReport>(options.server, "proxies"),
    ]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `sluice: no server answers at ${options.server} (${reason}).\nStart one with \`sluice serve\`, or name it with --server URL.\n`,
    );
    process.exitCode = 2;
    return;
  }
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ snapshot, ...proxies }, null, 2)}\n`
      : formatStatus(snapshot, proxies.proxies),
  );
  const isWrong = snapshot.errors > 0 || proxies.proxies.some((proxy) => proxy.state === "nacked");
  process.exitCode = isWrong ? 1 : 0;
}

async function ask<Report>(server: string, name: string): Promise<Report> {
  const url = new URL(`/api/v1/${name}`, server.includes("://") ? server : `http://${server}`);
  const response = await fetch(url).catch((error: Error) => {
    throw error.cause instanceof Error ? error.cause : error;
  });
  if (!response.ok) throw new Error(`it answers ${response.status} to ${url.pathname}`);
  return (await response.json()) as Report;
}

export function formatStatus(snapshot: SnapshotReport, proxies: readonly ProxyReport[]): string {
  return [...formatSnapshot(snapshot), "", ...formatProxies(proxies)].map((line) => `${line}\n`).join("");
}

function formatSnapshot(snapshot: SnapshotReport): string[] {
  const kinds = Object.entries(snapshot.sources).map(([kind, count]) => `${count} ${kind}`);
  const lines = [
    `configuration  ${snapshot.directory}`,
    `serving        version ${snapshot.version}, built ${snapshot.builtAt}: ${kinds.join(", ") || "no resources"}`,
  ];
  if (snapshot.lastGood) {
    const origin = snapshot.fromState ? " (read from the state directory)" : "";
    lines.push(
      `               the last good version${origin}: the folder is in error and changes nothing until it is mended`,
    );
  }
  if (snapshot.pinned !== undefined) {
    const { version, at } = snapshot.pinned;
    lines.push(`               pinned to version ${version} of ${at}: no change of the folder takes effect`);
  }
  return [...lines, ...snapshot.diagnostics.map((diagnostic) => diagnostic.text)];
}

function formatProxies(proxies: readonly ProxyReport[]): string[] {
  if (proxies.length === 0)
    return ["no Envoy is connected; `sluice bootstrap` prints a configuration for one"];
  const rows = proxies.map((proxy) => [
    proxy.node.id,
    proxy.node.envoyVersion || "?",
    proxy.node.role,
    proxy.version || "none yet",
    stateOf(proxy),
  ]);
  const table = formatTable([["PROXY", "ENVOY", "ROLE", "VERSION", "STATE"], ...rows]);
  return table.flatMap((line, index) => [line, ...reasonsOf(proxies[index - 1])]);
}

function stateOf({ state, version, wantedVersion }: ProxyReport): string {
  if (state === "synced") return "ACK";
  if (state === "nacked") return "NACK: what it refused is not in force, see below";
  return version === "" ? "connecting" : `waiting for ACK of ${wantedVersion}`;
}

function reasonsOf(proxy: ProxyReport | undefined): string[] {
  return Object.entries(proxy?.types ?? {})
    .filter(([, type]) => type.state === "nacked")
    .map(([name, type]) => `  NACK of ${name}, version ${type.sent}: ${type.error}`);
}

function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (known, row) => row.map((cell, at) => Math.max(known[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
