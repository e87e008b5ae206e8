/** Server-sent events by `fetch`, because `EventSource` cannot send a token. */

export interface Message {
  id: string | null;
  event: string;
  data: string;
}

/** Reads messages from parts of a stream. Parts can end anywhere. */
export class Parser {
  private rest = "";

  push(part: string): Message[] {
    const blocks = (this.rest + part).split(/\r?\n\r?\n/);
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => message(block) ?? []);
  }
}

function message(block: string): Message | null {
  const data: string[] = [];
  let id: string | null = null;
  let event = "message";
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue; // A comment, or a field without a value.
    const value = line.slice(colon + 1).replace(/^ /, "");
    switch (line.slice(0, colon)) {
      case "data":
        data.push(value);
        break;
      case "id":
        id = value;
        break;
      case "event":
        event = value;
        break;
    }
  }
  return data.length === 0 ? null : { id, event, data: data.join("\n") };
}
