// The keys, in a dialog of the browser's own: it keeps the focus and closes with Escape.

import { useEffect, useRef } from "preact/hooks";

const keys = [
  ["1 2 3 4", "Traffic, Routes, Configuration, Proxies"],
  ["/", "Search"],
  ["p", "Pause and resume"],
  ["t", "Theme: as the system has it, light, dark"],
  ["Tab, Enter", "Go through the graph and open a node"],
  ["?", "This"],
] as const;

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="key-list">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="soft">
        Dots on a line are requests: the more and the faster, the more there are; red ones are errors (5xx).
        Rates and percentiles are those of the last five seconds.
      </p>
      <button type="button" class="solid" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
