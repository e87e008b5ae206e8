/** A stream of events that continues after a lost connection, where it ended. */
import { raw } from "./client";
import { Problem } from "./problem";
import { type Message, Parser } from "./sse";

export interface Following {
  /** The messages that arrived together. */
  onMessages: (messages: Message[]) => void;
  onState?: (state: "connected" | "lost") => void;
  signal: AbortSignal;
}

const WAIT_MS = { first: 500, most: 15_000 };

/** Follows a path until the stream reports its end, the service refuses it, or the signal aborts. */
export async function follow(path: string, { onMessages, onState, signal }: Following): Promise<void> {
  let last: string | null = null;
  let wait = WAIT_MS.first;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last !== null) headers["Last-Event-ID"] = last;
      const response = await raw(path, { headers, signal });
      onState?.("connected");
      wait = WAIT_MS.first;
      const parser = new Parser();
      const reader = (response.body as ReadableStream<Uint8Array>)
        .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
        .getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const messages = parser.push(value);
        if (messages.length === 0) continue;
        last = messages.findLast((message) => message.id !== null)?.id ?? last;
        onMessages(messages);
        if (messages.some((message) => message.event === "end")) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status < 500 && error.status !== 429) return;
    }
    if (signal.aborted) return;
    onState?.("lost");
    await pause(wait, signal);
    wait = Math.min(wait * 2, WAIT_MS.most);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
