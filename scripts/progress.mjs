// Progress of long work: on a terminal the step under way with its seconds, in a log one line per step.

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

export function createProgress(stream) {
  let current;
  let timer;
  const draw = () => {
    const seconds = Math.floor((Date.now() - current.since) / 1000);
    const frame = frames[Math.floor(Date.now() / frameMs) % frames.length];
    stream.write(`\r\x1b[K${frame} ${current.line}${seconds > 0 ? ` ${seconds} s` : ""}`);
  };
  const settle = (mark = "✓") => {
    clearInterval(timer);
    if (current !== undefined && stream.isTTY) stream.write(`\r\x1b[K${mark} ${current.line}\n`);
    current = undefined;
  };
  return {
    /** The step before is done, this one begins. */
    say(line) {
      settle();
      if (!stream.isTTY) {
        stream.write(`${line}\n`);
        return;
      }
      current = { line, since: Date.now() };
      draw();
      timer = setInterval(draw, frameMs);
      timer.unref();
    },
    close: () => settle(),
    /** The step under way has failed. */
    fail: () => settle("✗"),
  };
}
