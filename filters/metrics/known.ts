// Which labels Envoy has rules for. A rule is made when Envoy starts, a policy may come later: our bootstrap says in the
// node's metadata, as STATS_LABELS, which rules it has. A bootstrap that says nothing is taken to have them all.

import { WARN, proxy_log } from "../../assembly/abi/hostcalls";
import { readProperty } from "../../assembly/abi/property";
import { equals, findByte, literal, writeAscii, writeBytes } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";

const STATS_LABELS: ByteString = literal("xds\0node\0metadata\0STATS_LABELS");

/** Names between commas, for the configuration that is being built. */
const known: ByteString = changetype<ByteString>(memory.data(8, 4));
let isTold: bool = false;

/** Configure only. Reads the list; it lasts until the callback ends. */
export function readKnownLabels(): void {
  isTold = readProperty(STATS_LABELS, known);
}

/** Configure only. Whether Envoy has a rule for the label; where not, it is logged. */
export function isKnownLabel(start: usize, length: u32): bool {
  if (!isTold) return true;
  const end = known.start + known.length;
  let at = known.start;
  while (at < end) {
    const comma = findByte(at, end, 44);
    if (equals(at, <u32>(comma - at), start, length)) return true;
    at = comma + 1;
  }
  warn(start, length);
  return false;
}

const line: usize = memory.data(192);

function warn(start: usize, length: u32): void {
  let at = writeAscii(line, 'sluice: no rule for the label "');
  at = writeBytes(at, start, length);
  at = writeAscii(at, '": shown within "dimensions" until Envoy starts with a bootstrap that has it');
  proxy_log(WARN, line, at - line);
}
