// What ends `sluice up`: a signal, or that whoever started it is gone. A second signal ends it at once; Envoy's
// watchdog (envoy/watchdog.ts) then cleans up.

import { ignoresHangup, watchParent } from "./parent.ts";

/** `requested` resolves with the cause. */
export function stopRequest(): { requested: Promise<string> } {
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
  if (!ignoresHangup()) signals.push("SIGHUP");
  const requested = new Promise<string>((resolve) => {
    let asked = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
    }
    watchParent(() => resolve("the process that started this is gone"));
  });
  return { requested };
}
