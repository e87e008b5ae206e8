/** JSON values as YAML. The result is always valid; it reads well for documents of mappings and short lists. */

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@-]*$/;
const RESERVED = /^(true|false|yes|no|on|off|null|y|n|~)$/i;

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value);
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** On one line, where it is short. */
function inline(value: unknown): string {
  if (isScalar(value)) return scalar(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  const fields = Object.entries(value as object).map(([key, field]) => `${scalar(key)}: ${inline(field)}`);
  return `{${fields.join(", ")}}`;
}

const WIDTH = 100;

export function toYaml(value: unknown, indent = ""): string {
  if (isScalar(value)) return `${indent}${scalar(value)}\n`;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item) => ["-", item])
    : Object.entries(value as object).map(([key, field]) => [`${scalar(key)}:`, field]);
  if (entries.length === 0) return `${indent}${Array.isArray(value) ? "[]" : "{}"}\n`;
  return entries
    .map(([head, item]) => {
      const short = inline(item);
      const isEmpty = short === "[]" || short === "{}";
      const isShort = isScalar(item) || isEmpty || (indent !== "" || Array.isArray(item) || Array.isArray(value)) && indent.length + head.length + short.length < WIDTH;
      return isShort ? `${indent}${head} ${short}\n` : `${indent}${head}\n${toYaml(item, `${indent}  `)}`;
    })
    .join("");
}
