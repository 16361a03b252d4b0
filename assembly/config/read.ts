// From the host to records: fetches the plugin's configuration into memory of its own and decodes it.

import { lend } from "../abi/arena";
import { OK, PLUGIN_CONFIGURATION, proxy_get_buffer_bytes } from "../abi/hostcalls";
import { beginLabelEncoding, restoreLabelEncoding } from "../metrics";
import { beginRegexes } from "../regex/regex";
import { allocateApart, beginBlocks, freeBlocks, takeBlocks } from "./blocks";
import { decode } from "./decode";
import { logRefusal, refuse, resetRefusal } from "./refusal";

/** What is larger is no configuration. */
const MAX_SIZE: u32 = 67_108_864;

const result: usize = memory.data(8, 4);

/** Starts a configuration and decodes it; 0: refused. finish or discard must follow. */
export function readConfiguration(table: usize, texts: usize, root: u32, size: u32): usize {
  beginBlocks();
  beginLabelEncoding();
  beginRegexes();
  resetRefusal();
  if (size > MAX_SIZE) {
    refuse(0, "longer than 64 MiB");
    return 0;
  }
  // Blocks are zeroed: the byte after the text is the 0 that the decoder needs.
  const text = allocateApart(size + 8);
  if (size === 0) return decode(table, texts, root, text, 0);
  lend(text, size);
  store<u32>(result, 0, 4);
  const status = proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, result, result + 4);
  if (status !== OK || load<usize>(result) !== text || load<u32>(result, 4) > size) {
    refuse(0, "the host does not give the configuration");
    return 0;
  }
  return decode(table, texts, root, text, load<u32>(result, 4));
}

/** The configuration is good: its memory, for freeBlocks once nothing uses it. */
export function finishConfiguration(): usize {
  return takeBlocks();
}

/** The configuration is refused: its memory is freed and the reason logged. */
export function discardConfiguration(): void {
  logRefusal();
  restoreLabelEncoding();
  freeBlocks(takeBlocks());
}
