// Light, dark, or as the system has it; remembered by the browser.

import { useEffect, useState } from "preact/hooks";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const key = "sluice-theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** The theme, what it comes to, and the step to the next one. */
export function useTheme(): { theme: Theme; shown: "light" | "dark"; next: () => void } {
  const [theme, setTheme] = useState<Theme>(remembered);
  const [isSystemDark, setSystemDark] = useState(prefersDark.matches);
  useEffect(() => {
    const follow = (): void => setSystemDark(prefersDark.matches);
    prefersDark.addEventListener("change", follow);
    return () => prefersDark.removeEventListener("change", follow);
  }, []);
  const shown = theme === "system" ? (isSystemDark ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = shown;
  const next = (): void => {
    const following = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
    setTheme(following);
    try {
      localStorage.setItem(key, following);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };
  return { theme, shown, next };
}

function remembered(): Theme {
  try {
    const text = localStorage.getItem(key);
    return themes.find((theme) => theme === text) ?? "system";
  } catch {
    return "system";
  }
}
