/** One line of output with its colors. The text is never interpreted as markup. */
import { memo } from "react";
import { parts } from "../lib/ansi";

/** Longer lines are cut off on the screen; the download has them whole. */
export const LINE_MAX = 4000;

export const LogLine = memo(function LogLine({ line, mark }: { line: string; mark?: string }) {
  const isLong = line.length > LINE_MAX;
  const found = parts(isLong ? line.slice(0, LINE_MAX) : line);
  return (
    <span className="log-text">
      {found.map((part, index) => (
        // parts never move.
        <span key={index} className={part.look || undefined}>
          {mark === undefined ? part.text : marked(part.text, mark)}
        </span>
      ))}
      {isLong && <span className="dim"> … {line.length - LINE_MAX} more characters</span>}
      {"\n"}
    </span>
  );
});

function marked(text: string, mark: string) {
  const at = text.toLowerCase().indexOf(mark.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + mark.length)}</mark>
      {text.slice(at + mark.length)}
    </>
  );
}
