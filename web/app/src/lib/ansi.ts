/** Colors of terminals, as parts of a line with class names. */

export interface Part {
  text: string;
  /** Class names, empty for plain text. */
  look: string;
}

// escape sequences begin with a control character.
const SEQUENCE = /\u001b\[([0-9;]*)([A-Za-z])/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** The parts of a line. Sequences that set no color are left out. */
export function parts(line: string): Part[] {
  const found: Part[] = [];
  let [color, isBold, from] = ["", false, 0];
  const add = (text: string) => {
    const clean = text.replace(CONTROL, "");
    if (clean !== "") found.push({ text: clean, look: [color, isBold ? "ansi-bold" : ""].filter(Boolean).join(" ") });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] !== "m") continue;
    for (const code of (match[1] ?? "").split(";").map(Number)) {
      if (code === 0) [color, isBold] = ["", false];
      else if (code === 1) isBold = true;
      else if (code === 22) isBold = false;
      else if (code === 39) color = "";
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) color = `ansi-${code % 10}`;
    }
  }
  add(line.slice(from));
  return found;
}
