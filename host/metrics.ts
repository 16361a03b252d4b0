// Metrics as Envoy keeps them: values belong to the process and are found by name, ids belong to one VM and
// a new one is made by every definition, even of a name that is known.

import { MetricType, Status } from "./abi.ts";

const u64 = (value: bigint) => BigInt.asUintN(64, value);

/** A reading of every metric, by the name that the module gave. */
export interface MetricValues {
  counters: Record<string, number>;
  gauges: Record<string, number>;
  /** Every value recorded, in order. */
  histograms: Record<string, number[]>;
}

interface Stat {
  type: number;
  name: string;
  value: bigint;
  recorded: number[];
}

export class Metrics {
  readonly #stats = new Map<string, Stat>();

  stat(type: number, name: string): Stat {
    const key = `${type} ${name}`;
    let stat = this.#stats.get(key);
    if (stat === undefined) {
      stat = { type, name, value: 0n, recorded: [] };
      this.#stats.set(key, stat);
    }
    return stat;
  }

  values(): MetricValues {
    const values: MetricValues = { counters: {}, gauges: {}, histograms: {} };
    for (const { type, name, value, recorded } of this.#stats.values()) {
      if (type === MetricType.counter) values.counters[name] = Number(value);
      else if (type === MetricType.gauge) values.gauges[name] = Number(value);
      else values.histograms[name] = [...recorded];
    }
    return values;
  }
}

/** One VM's ids. The low two bits of an id tell the type. */
export class MetricIds {
  readonly #metrics: Metrics;
  readonly #byId = new Map<number, Stat>();
  readonly #last: [number, number, number] = [MetricType.counter, MetricType.gauge, MetricType.histogram];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** How many definitions this VM has made; each stays for the life of the VM. */
  get size(): number {
    return this.#byId.size;
  }

  define(type: number, name: string): number | undefined {
    if (type !== 0 && type !== 1 && type !== 2) return undefined;
    const id = this.#last[type] + 4;
    this.#last[type] = id;
    this.#byId.set(id, this.#metrics.stat(type, name));
    return id;
  }

  increment(id: number, offset: bigint): number {
    if ((id & 3) > MetricType.gauge) return Status.badArgument;
    const stat = this.#byId.get(id);
    if (stat === undefined) return Status.notFound;
    if (stat.type === MetricType.counter && offset <= 0n) return Status.badArgument;
    stat.value = u64(stat.value + offset);
    return Status.ok;
  }

  /** A counter is added to, a gauge is set, a histogram gets one more value. */
  record(id: number, value: bigint): number {
    const stat = this.#byId.get(id);
    if (stat === undefined) return Status.notFound;
    if (stat.type === MetricType.counter) stat.value = u64(stat.value + u64(value));
    else if (stat.type === MetricType.gauge) stat.value = u64(value);
    else stat.recorded.push(Number(u64(value)));
    return Status.ok;
  }

  /** The process-wide value, or the status that says why there is none. */
  read(id: number): bigint | number {
    if ((id & 3) > MetricType.gauge) return Status.badArgument;
    return this.#byId.get(id)?.value ?? Status.notFound;
  }
}
