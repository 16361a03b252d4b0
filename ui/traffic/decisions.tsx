// What the policies do right now, by policy: who was let through and who was limited, what was delayed or
// aborted, and where requests were sent.

import type { ComponentChildren } from "preact";
import type { PolicyReport } from "../../server/http/state.ts";
import type { DecisionRate } from "../../server/metrics-service/report.ts";
import { count, percent, plural, rate } from "../format.ts";
import { Pill } from "../parts.tsx";

interface Props {
  policies: readonly PolicyReport[];
  decisions: readonly DecisionRate[];
}

const kinds: Record<string, { label: string; decides: DecisionRate["kind"] | undefined }> = {
  RateLimitPolicy: { label: "rate limit", decides: "rateLimit" },
  HeaderRoutingPolicy: { label: "routing", decides: "routing" },
  FaultPolicy: { label: "fault", decides: "fault" },
  MetricsPolicy: { label: "metrics", decides: undefined },
};

export function Decisions({ policies, decisions }: Props) {
  const errors = decisions.filter(({ kind }) => kind === "error");
  return (
    <ul class="policies">
      {policies.map((policy) => {
        const { label, decides } = kinds[policy.kind] ?? { label: policy.kind, decides: undefined };
        const own = decisions.filter((d) => d.kind === decides && d.policy === policy.policy);
        const keys = decisions.filter((d) => d.kind === "refusedKey" && d.policy === policy.policy);
        return (
          <PolicyCard
            key={`${policy.kind} ${policy.policy}`}
            policy={policy}
            label={label}
            decisions={own}
            keys={policy.kind === "RateLimitPolicy" ? keys : []}
          />
        );
      })}
      {errors.length > 0 && (
        <li class="policy">
          <div class="policy-head">
            <b>What a filter could not do</b>
            <Pill tone="bad">
              {plural(
                errors.reduce((sum, e) => sum + e.total, 0),
                "error",
              )}
            </Pill>
          </div>
          {errors.map((error) => (
            <p key={error.name} class="rule">
              {error.name}: {count(error.total)}
            </p>
          ))}
        </li>
      )}
    </ul>
  );
}

interface CardProps {
  policy: PolicyReport;
  label: string;
  decisions: readonly DecisionRate[];
  /** Keys that its limits refuse, where they show them. */
  keys: readonly DecisionRate[];
}

function PolicyCard({ policy, label, decisions, keys }: CardProps) {
  const rules = new Map<string, DecisionRate[]>();
  for (const decision of decisions) rules.set(decision.name, [...(rules.get(decision.name) ?? []), decision]);
  // One destination has one colour in all rules of a policy.
  const colours = [...new Set(decisions.map(({ outcome }) => outcome))].sort();
  return (
    <li class="policy" data-policy={policy.policy}>
      <div class="policy-head">
        <span class="kind">{label}</span>
        <a href={`#routes?${encodeURIComponent(policy.policy)}`}>{policy.policy}</a>
        {policy.inForce === "previous" && <Pill tone="warn">previous version</Pill>}
        {policy.inForce === "none" && <Pill tone="bad">not in force</Pill>}
      </div>
      {rules.size === 0 ? (
        <p class="soft rule">
          {policy.routes === 0
            ? "reaches no route"
            : `on ${plural(policy.routes, "route")}, nothing decided yet`}
        </p>
      ) : (
        [...rules].map(([name, outcomes]) => (
          <Rule key={name} name={name} outcomes={outcomes} colours={colours}>
            <RefusedKeys keys={keys.filter((key) => key.name === name)} />
          </Rule>
        ))
      )}
    </li>
  );
}

const tones: Record<string, string> = {
  allowed: "good",
  limited: "bad",
  shadow_limited: "warn",
  delay: "warn",
  abort: "bad",
  throttle: "warn",
  overflow: "soft",
};

const words: Record<string, string> = {
  allowed: "let through",
  shadow_limited: "would be limited",
  delay: "delayed",
  abort: "aborted",
  throttle: "throttled",
  overflow: "passed, too many held",
};

/** Parts by what is now; by all there ever was while nothing happens. */
function Rule(props: {
  name: string;
  outcomes: readonly DecisionRate[];
  colours: readonly string[];
  children: ComponentChildren;
}) {
  const { name, outcomes, colours, children } = props;
  const now = outcomes.reduce((sum, { rate: r }) => sum + r, 0);
  const isNow = now > 0;
  const whole = isNow ? now : outcomes.reduce((sum, { total }) => sum + total, 0);
  const partOf = (outcome: DecisionRate): number => (isNow ? outcome.rate : outcome.total);
  const isRouting = outcomes[0]?.kind === "routing";
  const toneOf = ({ outcome }: DecisionRate): string =>
    isRouting ? `d${colours.indexOf(outcome) % 5}` : (tones[outcome] ?? "soft");
  return (
    <div class="rule" data-rule={name}>
      <div class="rule-head">
        <span>{name === "" ? "(unnamed)" : name}</span>
        <span class="soft">{isNow ? `${rate(now)}/s` : "idle"}</span>
      </div>
      <div class="bar" aria-hidden="true">
        {outcomes.map((outcome) => (
          <i
            key={outcome.outcome}
            class={toneOf(outcome)}
            style={{
              flexGrow: (100 * partOf(outcome)) / whole,
              display: partOf(outcome) > 0 ? "block" : "none",
            }}
          />
        ))}
      </div>
      <ul class="outcomes">
        {outcomes.map((outcome) => (
          <li key={outcome.outcome}>
            <i class={toneOf(outcome)} />
            <span>
              {isRouting
                ? `→ ${outcome.outcome === "" ? "as routed" : outcome.outcome}`
                : (words[outcome.outcome] ?? outcome.outcome)}
            </span>
            <b>{percent(partOf(outcome), whole)}</b>
            <span class="soft" data-total={outcome.outcome}>
              {count(outcome.total)}
            </span>
          </li>
        ))}
      </ul>
      {children}
    </div>
  );
}

const shownKeys = 5;

/** Those refused most, by what is now, else by all there ever was. */
function RefusedKeys({ keys }: { keys: readonly DecisionRate[] }) {
  const named = keys.filter(({ outcome }) => outcome !== "_other");
  if (named.length === 0) return null;
  const most = [...named].sort((a, b) => b.rate - a.rate || b.total - a.total).slice(0, shownKeys);
  return (
    <ol class="refused-keys" aria-label="Keys refused most">
      {most.map(({ outcome, rate: now, total }) => (
        <li key={outcome} data-key={outcome}>
          <code>{outcome}</code>
          <span class="soft">{now > 0 ? `${rate(now)}/s` : count(total)}</span>
        </li>
      ))}
    </ol>
  );
}
