// Bytes of messages, and versions of bytes, made once for each: messages that resources share from build to
// build are never changed in place.

import { createHash } from "node:crypto";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { encodeMessage } from "./protobuf/encode.ts";

const bytesOf = new WeakMap<object, Uint8Array>();
const versionOf = new WeakMap<Uint8Array, string>();
let encodings = 0;

export function encodeOnce<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array {
  const known = bytesOf.get(message);
  if (known !== undefined) return known;
  encodings++;
  const bytes = encodeMessage(schema, message);
  bytesOf.set(message, bytes);
  return bytes;
}

/** Messages encoded so far in this process: what an edit adds shows how far it reaches. */
export const encodingCount = (): number => encodings;

export function contentVersion(bytes: Uint8Array): string {
  const known = versionOf.get(bytes);
  if (known !== undefined) return known;
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  versionOf.set(bytes, version);
  return version;
}
