/** Icons on a grid of 16, drawn with the color of the text. */
const PATHS = {
  jobs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  queue: "M3 3v10M6.5 3v10M10 3v10M13.5 3v10",
  ranges: "M8 2.5v4M3.5 9.5v3h3v-3zM9.5 9.5v3h3v-3zM5 9.5V8h6v1.5M6.5 2.5h3v3h-3z",
  run: "M5 3.2v9.6L12.8 8z",
  platforms: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  system: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M3.6 12.4 5 11M11 5l1.4-1.4",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  dot: "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  ring: "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z",
  spin: "M8 2.5A5.5 5.5 0 0 1 13.5 8",
  stop: "M4 4h8v8H4z",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3.2l2 1.3",
  question: "M5.8 6a2.3 2.3 0 1 1 3.3 2c-.8.4-1.1.9-1.1 1.7M8 12.2v.1",
  warning: "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.1",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.4 10.4 14 14",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M3.4 12.6l1.1-1.1M11.5 4.5l1.1-1.1",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13h10",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  undo: "M6 3 3 6l3 3M3 6h6.5a3.5 3.5 0 0 1 0 7H6",
  machine: "M2.5 3h11v7.5h-11zM6 13h4M8 10.5V13",
  network: "M8 2.5v3M3 13v-2.5h10V13M8 5.5v5M2.5 8h11",
  router: "M2.5 8h11M10.5 5l3 3-3 3M5.5 5l-3 3 3 3",
  outside: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM2.2 8h11.6M8 2.2c3.4 3.5 3.4 8 0 11.6M8 2.2c-3.4 3.5-3.4 8 0 11.6",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = "" }: { name: IconName; className?: string }) {
  const spins = name === "spin" ? " icon-spin" : "";
  return (
    <svg className={`icon${spins} ${className}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
