/** Keys that work on every page. */
import { useEffect } from "react";
import { navigate } from "../lib/route";

/** Pages by the second key after `g`. */
export const PLACES: Record<string, string> = { j: "jobs", q: "queue", n: "run", r: "ranges", p: "platforms", s: "system" };

/** For this time after `g`, another key selects a page. */
const SEQUENCE_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function useKeys({ palette, help }: { palette: () => void; help: () => void }): void {
  useEffect(() => {
    let goUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        palette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const place = PLACES[event.key];
      if (event.timeStamp < goUntil && place !== undefined) {
        goUntil = 0;
        navigate(`#/${place}`);
      } else if (event.key === "g") goUntil = event.timeStamp + SEQUENCE_MS;
      else if (event.key === "?") help();
      else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("[data-search]");
        if (search === null) return;
        event.preventDefault();
        search.focus();
        search.select();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [palette, help]);
}
