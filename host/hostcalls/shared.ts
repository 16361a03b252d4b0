// Shared data and shared queues.

import { Status } from "../abi.ts";
import type { Vm } from "../vm.ts";

export const shared = {
  proxy_get_shared_data(
    vm: Vm,
    keyAt: number,
    keySize: number,
    pointerAt: number,
    sizeAt: number,
    casAt: number,
  ): number {
    const key = vm.readText(keyAt, keySize);
    if (key === undefined) return Status.invalidMemoryAccess;
    const present = vm.process.sharedData.get(key);
    if (present === undefined) return Status.notFound;
    const status = vm.returnText(present.value, pointerAt, sizeAt);
    if (status !== Status.ok) return status;
    return vm.writeU32(casAt, present.cas) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_set_shared_data(
    vm: Vm,
    keyAt: number,
    keySize: number,
    at: number,
    size: number,
    cas: number,
  ): number {
    const key = vm.readText(keyAt, keySize);
    const value = vm.readText(at, size);
    if (key === undefined || value === undefined) return Status.invalidMemoryAccess;
    return vm.process.sharedData.set(key, value, cas);
  },

  proxy_register_shared_queue(vm: Vm, nameAt: number, nameSize: number, tokenAt: number): number {
    const name = vm.readText(nameAt, nameSize);
    if (name === undefined) return Status.invalidMemoryAccess;
    return vm.writeU32(tokenAt, vm.process.queues.register(name)) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_resolve_shared_queue(
    vm: Vm,
    vmIdAt: number,
    vmIdSize: number,
    nameAt: number,
    nameSize: number,
    tokenAt: number,
  ): number {
    const vmId = vm.readText(vmIdAt, vmIdSize);
    const name = vm.readText(nameAt, nameSize);
    if (vmId === undefined || name === undefined) return Status.invalidMemoryAccess;
    const here = vmId === "" || vmId === vm.process.options.vmId;
    const token = here ? vm.process.queues.resolve(name) : undefined;
    if (token === undefined) return Status.notFound;
    return vm.writeU32(tokenAt, token) ? Status.ok : Status.invalidMemoryAccess;
  },

  proxy_enqueue_shared_queue(vm: Vm, token: number, at: number, size: number): number {
    const value = vm.readText(at, size);
    return value === undefined ? Status.invalidMemoryAccess : vm.process.queues.enqueue(token, value);
  },

  proxy_dequeue_shared_queue(vm: Vm, token: number, pointerAt: number, sizeAt: number): number {
    const value = vm.process.queues.dequeue(token);
    return typeof value === "number" ? value : vm.returnText(value, pointerAt, sizeAt);
  },
};
