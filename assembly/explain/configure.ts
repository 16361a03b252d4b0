// The token of a configuration. Configure only.

import { literal } from "../bytes";
import { byteOf } from "../config/json";
import { enterField, refuse } from "../config/refusal";
import { ByteString } from "../set";
import { ensureExplanations } from "./explain";
import { buildToken } from "./token";

const FIELD: ByteString = literal("explainTokenSha256");

/** The token that takeToken has made; 0: there is none, and nobody is told anything. */
export let token: usize = 0;

/** Makes the token out of its field, which is empty where it is absent. False: refused. */
export function takeToken(start: usize, length: u32): bool {
  token = 0;
  if (length === 0) return true;
  token = buildToken(start, length);
  if (token === 0) {
    enterField(FIELD.start, FIELD.length);
    return refuse(byteOf(start - 1), "64 hexadecimal digits are due, such as sha256sum prints");
  }
  ensureExplanations();
  return true;
}
