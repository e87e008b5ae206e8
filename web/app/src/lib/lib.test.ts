import { expect, test } from "vitest";
import { Parser } from "../api/sse";
import { parts } from "./ansi";
import { toYaml } from "./yaml";

test("a stream can be cut anywhere", () => {
  const stream = 'id: 12\ndata: {"a":1}\n\n: quiet\n\nevent: end\ndata: {}\n\n';
  for (let cut = 0; cut <= stream.length; cut++) {
    const parser = new Parser();
    const messages = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
    expect(messages).toEqual([
      { id: "12", event: "message", data: '{"a":1}' },
      { id: null, event: "end", data: "{}" },
    ]);
  }
});

test("colors become class names, and other sequences disappear", () => {
  expect(parts("\u001b[0;31mfatal\u001b[0m: <b>\u001b[2K\u001b[1;35mx\u001b[0m\u0007")).toEqual([
    { text: "fatal", look: "ansi-1" },
    { text: ": <b>", look: "" },
    { text: "x", look: "ansi-5 ansi-bold" },
  ]);
});

test("texts that YAML would read as something else are quoted", () => {
  const document = { name: "lab", on: "yes", cidr: "10.0.1.0/24", count: 2, list: [{ from: "a b", to: "c" }], empty: {} };
  expect(toYaml(document)).toBe(
    'name: lab\n"on": "yes"\ncidr: "10.0.1.0/24"\ncount: 2\nlist: [{from: "a b", to: c}]\nempty: {}\n',
  );
});
