// The four numbers that one looks at first.

import type { Rates } from "../../server/metrics-service/report.ts";
import { count, milliseconds, percent, rate } from "../format.ts";
import { healthOf } from "./model.ts";

export function Tiles({ total }: { total: Rates }) {
  const health = healthOf(total);
  return (
    <dl class="tiles">
      <Tile name="Requests" value={rate(total.requests)} unit="/s" note={`${count(total.total)} in all`} />
      <Tile
        name="Errors"
        value={percent(total.errors, total.requests)}
        tone={health === "good" || health === "idle" ? "" : health}
        note={
          total.clientErrors > 0
            ? `and ${percent(total.clientErrors, total.requests)} refused (4xx)`
            : `${count(total.totalErrors)} in all`
        }
      />
      <Tile name="Median" value={milliseconds(total.p50)} note="half are faster" />
      <Tile name="99th percentile" value={milliseconds(total.p99)} note="one in a hundred is slower" />
    </dl>
  );
}

function Tile(props: { name: string; value: string; unit?: string; note: string; tone?: string }) {
  return (
    <div class={`tile ${props.tone ?? ""}`} data-tile={props.name}>
      <dt>{props.name}</dt>
      <dd>
        <b>{props.value}</b>
        {props.unit !== undefined && <span class="unit">{props.unit}</span>}
        <small>{props.note}</small>
      </dd>
    </div>
  );
}
