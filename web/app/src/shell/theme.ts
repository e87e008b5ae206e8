/** Dark or light: as the system is set, unless the user chooses. */
import { useEffect, useState } from "react";

const KEY = "rangehand.theme";
const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

function stored(): Theme {
  const value = localStorage.getItem(KEY) as Theme | null;
  return value !== null && THEMES.includes(value) ? value : "auto";
}

export function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
  return [theme, () => setTheme(next)];
}
