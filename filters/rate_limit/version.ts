// Of a configuration's text: under it the marker knows the configuration.

import { lend } from "../../assembly/abi/arena";
import { OK, PLUGIN_CONFIGURATION, proxy_get_buffer_bytes } from "../../assembly/abi/hostcalls";
import { stableHash } from "../../assembly/hash";

const result: usize = memory.data(8, 4);

/** Configure only, before the text is decoded, which changes it. */
export function textVersion(size: u32): u64 {
  const text = heap.alloc(size + 1);
  lend(text, size);
  store<u64>(result, 0);
  const status = proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, result, result + 4);
  lend(0, 0);
  const version = status === OK ? stableHash(text, load<u32>(result, 4), 1) : 0;
  heap.free(text);
  return version;
}
