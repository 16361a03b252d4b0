// Notices that whoever started us is gone, `kill -9` included, so that nothing is left running unseen.
//
// An orphan gets another parent, so a changed parent id tells it. Under `npm start` the starter is not our
// parent but npm's (npm, a shell, then we): every process of that chain is looked at. What was meant to
// outlive its starter does: started by nohup, by setsid, or in the background of a script (there the shell
// gives /dev/null as standard input).

import { readFileSync, readlinkSync } from "node:fs";

const lookEveryMs = 250;
/** npm may have a shell between itself and us. */
const furthestNpm = 3;

/** Calls back once; the returned function ends the watch. */
export function watchParent(onGone: () => void): () => void {
  const chain = process.env.npm_lifecycle_event === undefined ? [process.pid] : chainToNpm();
  const watched = isMeantToStay(chain.at(-1) ?? process.pid) ? chain.slice(0, -1) : chain;
  const before = watched.map(parentOf);
  const timer = setInterval(() => {
    if (watched.every((pid, index) => parentOf(pid) === before[index])) return;
    clearInterval(timer);
    onGone();
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** We, what is between, npm; only we when npm is not found. */
function chainToNpm(): number[] {
  const chain = [process.pid];
  while (chain.length <= furthestNpm) {
    const parent = parentOf(chain.at(-1) ?? 0);
    if (parent <= 1) break;
    chain.push(parent);
    if (isNpm(parent)) return chain;
  }
  return [process.pid];
}

/** It names its process after its command, as `npm start`. */
function isNpm(pid: number): boolean {
  try {
    return /^(npm|npx|pnpm|yarn)\b/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  } catch {
    return false;
  }
}

/** 0 when the process is gone, or where there is no /proc. */
function parentOf(pid: number): number {
  if (pid === process.pid) return process.ppid;
  try {
    return statOf(pid).parent;
  } catch {
    return 0;
  }
}

/** `top` is the process that the starter started. */
function isMeantToStay(top: number): boolean {
  try {
    return readlinkSync("/proc/self/fd/0") === "/dev/null" || statOf(top).session === top || ignoresHangup();
  } catch {
    return false;
  }
}

/** Fields 4 and 6 of /proc/PID/stat; the second, the name, may itself hold spaces and parentheses. */
function statOf(pid: number): { parent: number; session: number } {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [, parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { parent: Number(parent), session: Number(session) };
}

/** As under nohup; a handler of ours would undo that. */
export function ignoresHangup(): boolean {
  try {
    const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & 1n) !== 0n; // SIGHUP is signal 1
  } catch {
    return false;
  }
}
