// Regular expressions of a configuration are compiled as they are read, so that a refusal names their place.

import { compileRegex, regexError, regexErrorByte } from "../regex/regex";
import { byteOf } from "./json";
import { refuse } from "./refusal";

/** The compiled expression; 0: refused. */
export function compileExpression(start: usize, length: u32): usize {
  const compiled = compileRegex(start, length);
  if (compiled === 0) refuse(byteOf(start) + regexErrorByte, regexError);
  return compiled;
}
