// Of one route: the policies in force, from the most specific target to the least, and whose value each field has.

import { useEffect, useState } from "preact/hooks";
import type { EffectiveReport } from "../server/http/effective.ts";
import type { EffectiveField, EffectiveKind, EffectivePolicy } from "../server/policy/effective.ts";
import { Pill } from "./parts.tsx";

export function Effective(props: { virtualHost: string; route: string; version: string }) {
  const { virtualHost, route, version } = props;
  const [report, setReport] = useState<EffectiveReport | undefined>(undefined);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      const query = new URLSearchParams({ route, host: virtualHost });
      const answer = await fetch(`/api/v1/effective?${query}`, { signal: abort.signal });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      setReport((await answer.json()) as EffectiveReport);
      setFailure("");
    };
    ask().catch((error: unknown) => {
      if (!abort.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
    });
    return () => abort.abort();
  }, [virtualHost, route, version]);
  if (failure !== "") return <p class="bad">{failure}</p>;
  if (report === undefined) return <p class="soft">Loading…</p>;
  const kinds = report.routes?.find((one) => one.virtualHost === virtualHost)?.kinds ?? [];
  return (
    <div class="effective">
      {kinds.map((kind) => (
        <Kind key={kind.kind} kind={kind} />
      ))}
    </div>
  );
}

function Kind({ kind: { kind, policies, fields, cutOff } }: { kind: EffectiveKind }) {
  return (
    <section>
      <h4>
        <span class="kind">{kind.replace(/Policy$/, "")}</span>
      </h4>
      <ul>
        {policies.map((policy) => (
          <li key={policy.policy}>
            <b>{policy.policy}</b> <span class="soft">on {targetText(policy)}</span>{" "}
            <code class="soft">
              {policy.file}:{policy.line}
            </code>
            {policy.isPrevious && <Pill tone="warn">previous version</Pill>}
          </li>
        ))}
        {cutOff.map(({ policy, by }) => (
          <li key={policy} class="soft">
            <s>{policy}</s> does not apply: {by} has <code>inherit: false</code>
          </li>
        ))}
      </ul>
      <ul class="fields">
        {fields.map((field) => (
          <Field key={`${field.field} ${field.from}`} field={field} />
        ))}
      </ul>
    </section>
  );
}

function Field({ field: { field, value, from, over, unreached } }: { field: EffectiveField }) {
  return (
    <li>
      <code>
        {field}
        {typeof value === "object" ? "" : ` = ${value}`}
      </code>{" "}
      <span class="soft">from</span> {from}
      {over.length > 0 && <span class="soft">, over {over.join(" and ")}</span>}
      {unreached !== undefined && <span class="warn">; never asked: {unreached}</span>}
    </li>
  );
}

const targetText = ({ target, tier }: EffectivePolicy): string =>
  target === undefined
    ? "the whole proxy"
    : `${target.kind} ${target.name}${tier === "route" && target.sectionName ? ` / ${target.sectionName}` : ""}`;
