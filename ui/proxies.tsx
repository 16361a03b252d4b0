// Where each proxy stands: what it has, what it refuses and why, and whether it is still there.

import type { ProxyReport } from "../server/http/proxies.ts";
import type { ProxyPresence } from "../server/metrics-service/report.ts";
import { ago, count } from "./format.ts";
import type { Live } from "./live.ts";
import { Card, Command, Empty, Pill, type Tone } from "./parts.tsx";

export interface ProxyRow {
  id: string;
  /** Undefined: no longer connected for its configuration. */
  report: ProxyReport | undefined;
  presence: ProxyPresence | undefined;
}

/** Those connected, and those that only their numbers remember. */
export function proxyRows({ state, traffic }: Pick<Live, "state" | "traffic">): ProxyRow[] {
  const presences = new Map((traffic?.proxies ?? []).map((presence) => [presence.id, presence]));
  const rows: ProxyRow[] = (state?.proxies ?? []).map((report) => {
    const presence = presences.get(report.node.id);
    presences.delete(report.node.id);
    return { id: report.node.id, report, presence };
  });
  for (const presence of presences.values()) {
    rows.push({ id: presence.id, report: undefined, presence });
  }
  return rows;
}

export const isGone = ({ report, presence }: ProxyRow): boolean =>
  report === undefined && (presence === undefined || presence.presence === "gone");

export function ProxiesView({ live }: { live: Live }) {
  const rows = proxyRows(live);
  const now = live.traffic?.at ?? Date.now();
  return (
    <Card title="Proxies">
      {rows.length === 0 ? (
        <Empty title="No proxy is connected">
          <p>Start an Envoy that takes its configuration from here:</p>
          <Command
            text={`npx sluice bootstrap --server ${live.state?.xds ?? "HOST:PORT"} > envoy.json && envoy -c envoy.json`}
          />
        </Empty>
      ) : (
        <ul class="proxies">
          {rows.map((row, i) => (
            // Two proxies may say the same id.
            <OneProxy key={`${row.id} ${i}`} row={row} now={now} />
          ))}
        </ul>
      )}
    </Card>
  );
}

const words: Record<ProxyReport["state"], [string, Tone]> = {
  synced: ["in sync", "good"],
  pending: ["catching up", "warn"],
  nacked: ["refuses", "bad"],
};

function OneProxy({ row, now }: { row: ProxyRow; now: number }) {
  const { id, report, presence } = row;
  const [word, tone] = report
    ? words[report.state]
    : isGone(row)
      ? (["gone", "soft"] as const)
      : (["numbers only", "soft"] as const);
  const refused = Object.entries(report?.types ?? {}).filter(([, type]) => type.state === "nacked");
  return (
    <li class={`proxy ${isGone(row) ? "gone" : ""}`} data-proxy={id}>
      <div class="proxy-head">
        <b>{id || "(no id)"}</b>
        <Pill tone={tone}>{word}</Pill>
        <span class="soft">{numbers(presence, now)}</span>
      </div>
      {report && (
        <dl class="facts">
          <Fact name="Role" value={[report.node.role, report.node.namespace].filter(Boolean).join(" in ")} />
          <Fact name="Envoy" value={report.node.envoyVersion || "unknown"} />
          <Fact name="Has" value={report.version || "nothing whole yet"} />
          {report.version !== report.wantedVersion && (
            <Fact name="Should have" value={report.wantedVersion} />
          )}
          <Fact name="Connected" value={`${ago(Date.parse(report.connectedAt), now)} from ${report.peer}`} />
          <Fact name="Protocol" value={report.variant === "delta" ? "delta xDS" : "state of the world"} />
        </dl>
      )}
      {refused.map(([type, { error, acknowledged }]) => (
        <div key={type} class="nack">
          <p>
            Envoy refuses the new <b>{type}</b> and goes on with <code>{acknowledged || "none"}</code>:
          </p>
          <pre>{error}</pre>
        </div>
      ))}
    </li>
  );
}

function numbers(presence: ProxyPresence | undefined, now: number): string {
  if (presence === undefined) return "pushes no numbers";
  const { presence: state, lastSeenAt, series, leftOut } = presence;
  const last = lastSeenAt === null ? "never" : ago(lastSeenAt, now);
  if (state === "gone") return `last seen ${last}`;
  if (state === "silent") return `silent: last numbers ${last}`;
  return `${count(series)} counters a second${leftOut > 0 ? `, ${count(leftOut)} left out` : ""}`;
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
