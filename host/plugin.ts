// Starting a plugin in a VM, and which plugins Envoy takes for the same.

import type { Plugin, RootContext } from "./context.ts";
import type { Vm } from "./vm.ts";

/** on_context_create, on_vm_start and on_configure, as for every new plugin of a VM. */
export function startPlugin(vm: Vm, plugin: Plugin): { root: RootContext; problem: string } {
  const root = vm.addRoot(plugin);
  const run = (callback: string, value: number): boolean => {
    if (!vm.has(callback)) return true;
    const result = vm.call(root, callback, root.id, value);
    vm.finishCall();
    return vm.failure === undefined && (callback === "proxy_on_context_create" || result !== 0);
  };
  root.configurationReadable = true;
  const created = run("proxy_on_context_create", 0);
  root.configurationReadable = false;
  const started = created && run("proxy_on_vm_start", 0);
  root.configurationReadable = true;
  const configured = started && run("proxy_on_configure", plugin.configuration.length);
  root.configurationReadable = false;
  if (configured) return { root, problem: "" };
  vm.contexts.delete(root.id);
  return {
    root,
    problem: vm.failure ?? (started ? "Failed to configure Wasm plugin" : "Failed to start Wasm"),
  };
}

export function sameKey(one: Plugin, other: Plugin): boolean {
  return one.rootId === other.rootId && one.name === other.name && one.configuration === other.configuration;
}
