/** A list of rows of one height, of which only the visible ones exist. */
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";

export interface WindowedHandle {
  scrollTo: (row: number, place?: "start" | "center" | "end") => void;
  element: HTMLDivElement | null;
}

interface Props {
  count: number;
  rowHeight: number;
  render: (row: number) => ReactNode;
  label: string;
  className?: string;
  handle?: Ref<WindowedHandle>;
  /** Called with the visible rows, and whether the end is visible. */
  onVisible?: (first: number, last: number, isAtEnd: boolean) => void;
}

const OVERSCAN = 20;
/** Within this distance of the end, the end counts as visible. */
const END_PX = 20;

export function Windowed({ count, rowHeight, render, label, className = "", handle, onVisible }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [[first, last], setVisible] = useState([0, 60]);

  const measure = () => {
    const box = element.current;
    if (box === null) return;
    const from = Math.floor(box.scrollTop / rowHeight);
    const to = Math.ceil((box.scrollTop + box.clientHeight) / rowHeight);
    setVisible((old) => (old[0] === from && old[1] === to ? old : [from, to]));
    onVisible?.(from, to, box.scrollTop + box.clientHeight >= box.scrollHeight - END_PX);
  };
  const latest = useRef(measure);
  latest.current = measure;

  useEffect(() => {
    const box = element.current;
    if (box === null) return;
    let frame = 0;
    const schedule = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => latest.current());
    };
    box.addEventListener("scroll", schedule, { passive: true });
    const observer = new ResizeObserver(schedule);
    observer.observe(box);
    return () => {
      cancelAnimationFrame(frame);
      box.removeEventListener("scroll", schedule);
      observer.disconnect();
    };
  }, []);
  // `latest` is always current.
  useLayoutEffect(() => latest.current(), [count]);

  useImperativeHandle(handle, () => ({
    element: element.current,
    scrollTo(row, place = "center") {
      const box = element.current;
      if (box === null) return;
      const space = box.clientHeight - rowHeight;
      box.scrollTop = row * rowHeight - (place === "start" ? 0 : place === "end" ? space : space / 2);
    },
  }));

  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(count, last + OVERSCAN);
  const rows: ReactNode[] = [];
  for (let row = from; row < to; row++) rows.push(render(row));
  return (
    // a region that scrolls must be reachable by keyboard.
    <div className={`windowed ${className}`} ref={element} role="region" aria-label={label} tabIndex={0}>
      <div className="windowed-space" style={{ height: count * rowHeight }}>
        <div className="windowed-rows" style={{ transform: `translateY(${from * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
