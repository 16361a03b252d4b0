// Why an expression was refused. The texts name the construct and the limit; they are constants, so refusing
// allocates nothing.

/** Empty while all is well; else why the last expression was refused. */
export let regexError: string = "";
/** Where in the expression, in bytes from its start. */
export let regexErrorByte: u32 = 0;

export function clearRefusal(): void {
  regexError = "";
  regexErrorByte = 0;
}

export function isRefused(): bool {
  return regexError.length > 0;
}

/** Records the first refusal only; returns 0, which the callers pass on. */
export function refuse(message: string, byte: u32): u32 {
  if (regexError.length === 0) {
    regexError = message;
    regexErrorByte = byte;
  }
  return 0;
}
