// Metrics; the rules are in ../metrics.ts.

import { Status } from "../abi.ts";
import type { Vm } from "../vm.ts";

export const metrics = {
  proxy_define_metric(vm: Vm, type: number, nameAt: number, nameSize: number, idAt: number): number {
    const name = vm.readText(nameAt, nameSize);
    if (name === undefined) return Status.invalidMemoryAccess;
    const id = vm.metricIds.define(type, name);
    if (id === undefined) return Status.badArgument;
    return vm.writeU32(idAt, id) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_increment_metric: (vm: Vm, id: number, offset: bigint): number => vm.metricIds.increment(id, offset),

  proxy_record_metric: (vm: Vm, id: number, value: bigint): number => vm.metricIds.record(id, value),

  proxy_get_metric(vm: Vm, id: number, at: number): number {
    const value = vm.metricIds.read(id);
    if (typeof value === "number") return value;
    return vm.writeU64(at, value) ? Status.ok : Status.invalidMemoryAccess;
  },
};
