// What is served, and what is wrong with the folder: each place, what is wrong there and what would be right.

import type { SnapshotReport } from "../server/http/proxies.ts";
import { count, plural } from "./format.ts";
import { Card, Empty, Pill } from "./parts.tsx";

export function ConfigurationView({ snapshot }: { snapshot: SnapshotReport }) {
  const { diagnostics, errors, warnings } = snapshot;
  const left = errors + warnings - diagnostics.length;
  return (
    <>
      <Card
        title="What is served"
        side={
          snapshot.pinned !== undefined ? (
            <Pill tone="warn">pinned to a version of the history, whatever the folder holds</Pill>
          ) : snapshot.lastGood ? (
            <Pill tone="bad">the folder is in error; the last good version is served</Pill>
          ) : (
            <Pill tone="good">as the folder has it</Pill>
          )
        }
      >
        <dl class="facts">
          <div>
            <dt>Version</dt>
            <dd>
              <code>{snapshot.version || "none"}</code>
            </dd>
          </div>
          <div>
            <dt>Built</dt>
            <dd>{new Date(snapshot.builtAt).toLocaleString("sv-SE")}</dd>
          </div>
          <div>
            <dt>Folder</dt>
            <dd>
              <code>{snapshot.directory}</code>
            </dd>
          </div>
        </dl>
        <Counts title="Read from the folder" counts={snapshot.sources} />
        <Counts title="Sent to a gateway" counts={snapshot.resources} />
      </Card>
      <Card
        title="Errors and warnings"
        side={
          <span class="soft">
            {plural(errors, "error")}, {plural(warnings, "warning")}
          </span>
        }
      >
        {diagnostics.length === 0 ? (
          <Empty title="Nothing is wrong">
            <p>
              <code>npx sluice validate {snapshot.directory}</code> says the same before a file is saved here.
            </p>
          </Empty>
        ) : (
          <ul class="diagnostics">
            {diagnostics.map((d) => (
              <li key={d.text} class={d.severity}>
                <div>
                  <Pill tone={d.severity === "error" ? "bad" : "warn"}>{d.severity}</Pill>{" "}
                  <code>
                    {d.file}:{d.line}:{d.column}
                  </code>
                  {d.resource !== undefined && <span class="soft"> {d.resource}</span>}
                </div>
                <p>
                  {d.path !== "" && <code class="path">{d.path}</code>} {d.message}
                </p>
              </li>
            ))}
          </ul>
        )}
        {left > 0 && (
          <p class="soft">
            {count(left)} more under <a href="/api/v1/snapshot">/api/v1/snapshot</a>.
          </p>
        )}
      </Card>
      <p class="soft">
        Also here: <a href="/api/v1/snapshot">snapshot</a>, <a href="/api/v1/proxies">proxies</a>,{" "}
        <a href="/api/v1/traffic">traffic</a>, <a href="/metrics">metrics</a>,{" "}
        <a href="/filters/index.json">filters</a>.
      </p>
    </>
  );
}

function Counts({ title, counts }: { title: string; counts: Readonly<Record<string, number>> }) {
  const entries = Object.entries(counts);
  if (entries.length === 0) return null;
  return (
    <div class="counts">
      <span class="soft">{title}</span>
      {entries.map(([name, n]) => (
        <span key={name} class="chip">
          <b>{count(n)}</b> {name}
        </span>
      ))}
    </div>
  );
}
