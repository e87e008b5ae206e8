/** The lines of a log, read in blocks when they are needed, and followed while the job runs. */
import { raw } from "../api/client";

/** Lines of one request. */
const BLOCK = 1000;
/** Blocks that are kept. */
const KEPT = 80;

export class LogLines {
  /** Number of lines so far. */
  count = 0;
  isLive = false;
  private readonly blocks = new Map<number, string[]>();
  private readonly wanted = new Set<number>();
  private readonly abort = new AbortController();

  constructor(
    private readonly path: string,
    private readonly changed: () => void,
  ) {}

  /** Reads the number of lines, and follows the log unless the job has finished. */
  async start(isRunning: boolean): Promise<void> {
    const response = await raw(`${this.path}?format=ansi&limit=1`, { signal: this.abort.signal });
    await response.body?.cancel();
    this.count = Number(response.headers.get("X-Log-Lines") ?? 0);
    this.changed();
    if (isRunning) await this.follow();
  }

  stop(): void {
    this.abort.abort();
  }

  line(row: number): string | null {
    const block = Math.floor(row / BLOCK);
    const line = this.blocks.get(block)?.[row % BLOCK];
    if (line === undefined) void this.load(block);
    return line ?? null;
  }

  /** Whether blocks are missing that would be shown. */
  private async load(block: number): Promise<void> {
    if (this.wanted.has(block) || block * BLOCK >= this.count) return;
    this.wanted.add(block);
    try {
      const response = await raw(`${this.path}?format=ansi&from=${block * BLOCK + 1}&limit=${BLOCK}`, { signal: this.abort.signal });
      const lines = linesOf(await response.text());
      this.keep(block, lines);
      this.changed();
    } catch {
      // It is loaded again when it is visible again.
    } finally {
      this.wanted.delete(block);
    }
  }

  private keep(block: number, lines: string[]) {
    this.blocks.delete(block);
    this.blocks.set(block, lines);
    for (const old of this.blocks.keys()) {
      if (this.blocks.size <= KEPT) break;
      this.blocks.delete(old);
    }
  }

  /** Appends lines as they are written. A lost connection continues after the last line. */
  private async follow(): Promise<void> {
    this.isLive = true;
    for (let wait = 500; !this.abort.signal.aborted; wait = Math.min(wait * 2, 15_000)) {
      try {
        const response = await raw(`${this.path}?format=ansi&follow=true&from=${this.count + 1}`, { signal: this.abort.signal });
        const reader = (response.body as ReadableStream<Uint8Array>)
          .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
          .getReader();
        let rest = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          wait = 500;
          const lines = (rest + value).split("\n");
          rest = lines.pop() ?? "";
          this.append(lines);
        }
        if (rest !== "") this.append([rest]);
        break;
      } catch {
        if (this.abort.signal.aborted) break;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    this.isLive = false;
    this.changed();
  }

  private append(lines: string[]) {
    for (const line of lines) {
      const block = Math.floor(this.count / BLOCK);
      let kept = this.blocks.get(block);
      // A block whose beginning isn't here is read as a whole when it is shown.
      if (kept === undefined && this.count % BLOCK === 0) {
        kept = [];
        this.keep(block, kept);
      }
      if (kept !== undefined && kept.length === this.count % BLOCK) kept.push(line);
      this.count += 1;
    }
    this.changed();
  }

  /** The numbers of the lines that contain a text, from 0. */
  async search(text: string, signal: AbortSignal, most: number): Promise<number[]> {
    const response = await raw(`${this.path}?format=text`, { signal });
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
      .getReader();
    const wanted = text.toLowerCase();
    const found: number[] = [];
    let [rest, row] = ["", 0];
    while (found.length < most) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = done ? "" : (lines.pop() ?? "");
      for (const line of lines) {
        if (line.toLowerCase().includes(wanted)) found.push(row);
        row += 1;
      }
      if (done) break;
    }
    void reader.cancel().catch(() => undefined);
    return found.slice(0, most);
  }
}

/** The lines of a text whose last line may end with a line break. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
