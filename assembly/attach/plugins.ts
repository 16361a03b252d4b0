// The plugins that live in this VM and the configuration of each. Several may share a VM when code and vm_id are
// equal; while there is one, nothing is read to find it.
//
// A configuration that has been replaced is freed at the next configuring that finds no stream referring to it:
// freeing is no work for a request.

import { PLUGIN_NAME, PLUGIN_ROOT_ID, readProperty } from "../abi/property";
import { equals } from "../bytes";
import { freeBlocks } from "../config/blocks";
import { stableHash } from "../hash";
import { ByteString } from "../set";

/** A configuration in force, or replaced and still used by streams. */
@unmanaged
export class Generation {
  /** The next of those that have been replaced. */
  next: Generation | null;
  /** What the filter has made of it. */
  plan: usize;
  blocks: usize;
  /** Streams that refer to it. */
  streams: u32;
}


@unmanaged
class Plugin {
  next: Plugin | null;
  current: Generation;
  rootStart: usize;
  rootLength: u32;
  nameStart: usize;
  nameLength: u32;
}

let first: Plugin | null = null;
let replaced: Generation | null = null;

const root: ByteString = changetype<ByteString>(memory.data(8, 4));
const name: ByteString = changetype<ByteString>(memory.data(8, 4));

/** Configure only. Of the plugin that is being configured: what two plugins keep in shared data is not the same. */
export function pluginIdentity(): u64 {
  readProperty(PLUGIN_ROOT_ID, root);
  const rootHash = stableHash(root.start, root.length, 0);
  readProperty(PLUGIN_NAME, name);
  return stableHash(name.start, name.length, rootHash);
}

/** Configure only. Puts a configuration in force for the plugin that is being configured. */
export function install(plan: usize, blocks: usize): void {
  const generation = changetype<Generation>(heap.alloc(offsetof<Generation>()));
  generation.plan = plan;
  generation.blocks = blocks;
  generation.streams = 0;
  generation.next = null;
  readProperty(PLUGIN_ROOT_ID, root);
  readProperty(PLUGIN_NAME, name);
  let plugin = first;
  while (plugin !== null) {
    if (isRoot(plugin) && equals(plugin.nameStart, plugin.nameLength, name.start, name.length)) {
      const old = plugin.current;
      plugin.current = generation;
      old.next = replaced;
      replaced = old;
      freeUnused();
      return;
    }
    plugin = plugin.next;
  }
  addPlugin(generation);
}

function addPlugin(generation: Generation): void {
  const plugin = changetype<Plugin>(heap.alloc(offsetof<Plugin>() + root.length + name.length));
  plugin.next = first;
  plugin.current = generation;
  plugin.rootStart = changetype<usize>(plugin) + offsetof<Plugin>();
  plugin.rootLength = root.length;
  plugin.nameStart = plugin.rootStart + root.length;
  plugin.nameLength = name.length;
  memory.copy(plugin.rootStart, root.start, root.length);
  memory.copy(plugin.nameStart, name.start, name.length);
  first = plugin;
}

function isRoot(plugin: Plugin): bool {
  return equals(plugin.rootStart, plugin.rootLength, root.start, root.length);
}

/** The configuration of the plugin whose callback this is; null: it has none. */
export function currentGeneration(): Generation | null {
  let plugin = first;
  if (plugin === null) return null;
  if (plugin.next === null) return plugin.current;
  readProperty(PLUGIN_ROOT_ID, root);
  let found: Plugin | null = null;
  let isNameRead = false;
  while (plugin !== null) {
    if (isRoot(plugin)) {
      if (found === null) found = plugin;
      else {
        // Two plugins with one root_id: their names tell them apart.
        if (!isNameRead) readProperty(PLUGIN_NAME, name);
        isNameRead = true;
        if (equals(plugin.nameStart, plugin.nameLength, name.start, name.length)) found = plugin;
      }
    }
    plugin = plugin.next;
  }
  return found === null ? null : found.current;
}

/** A stream refers to the configuration from now on. */
// @ts-ignore: decorator
@inline
export function retain(generation: Generation): void {
  generation.streams += 1;
}

/** A stream refers to it no longer. */
// @ts-ignore: decorator
@inline
export function release(generation: Generation): void {
  generation.streams -= 1;
}

/** Configure only. Frees what has been replaced and is not referred to. */
function freeUnused(): void {
  let kept: Generation | null = null;
  let generation = replaced;
  while (generation !== null) {
    const next = generation.next;
    if (generation.streams > 0) {
      generation.next = kept;
      kept = generation;
    } else {
      freeBlocks(generation.blocks);
      heap.free(changetype<usize>(generation));
    }
    generation = next;
  }
  replaced = kept;
}
