// Ends a child when this process ends in whatever way, `kill -9` included, which no handler of ours survives.
//
// A shell waits on a pipe that only we hold open; the kernel closes it with us, the read ends, the shell kills.
// (PR_SET_PDEATHSIG would do it without a second process, but only on Linux, and it follows the thread that
// spawned, not the process.) Both stand in sessions of their own, so that Ctrl-C on the terminal reaches only
// us and the order of stopping is ours.

import { type ChildProcess, spawn } from "node:child_process";

export interface Watchdog {
  /** Call it when the child has ended, before its process id can belong to another. */
  release(): void;
}

export function killWithUs(child: ChildProcess): Watchdog {
  const { pid } = child;
  if (pid === undefined) return { release() {} };
  const watcher = spawn(
    "/bin/sh",
    ["-c", 'read -r _; kill -9 "$1" 2>/dev/null', "sluice-watchdog", String(pid)],
    {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    },
  );
  watcher.on("error", () => {}); // without a shell only the ordinary ways of stopping are left
  watcher.unref();
  return {
    release() {
      watcher.kill("SIGKILL");
    },
  };
}
