import { StringDecoder } from 'node:string_decoder';
import type { LineSource, Monitor } from '../util/monitor.ts';
import { BoundedOutput } from './bounded-output.ts';
import type { Secrets } from './secrets.ts';

/** Characters of a line that the monitor gets. */
const MAX_LINE = 8 * 1024;
/** Bytes of standard output that become an output of the step. */
const MAX_STDOUT = 1024 * 1024;
const LAST_LINES = 20;

/** What one attempt of a step prints: passed on line by line as it arrives, and kept as far as results need it. */
export class StepOutput {
  readonly #monitor: Monitor;
  readonly #hidden: boolean;
  readonly #secrets: Secrets;
  readonly #stdout: Lines;
  readonly #stderr: Lines;
  #kept = new BoundedOutput(MAX_STDOUT);

  /** @param hidden Nothing is passed on and no last lines are kept (`disableLogging`). */
  constructor(monitor: Monitor, hidden: boolean, secrets: Secrets) {
    this.#monitor = monitor;
    this.#hidden = hidden;
    this.#secrets = secrets;
    this.#stdout = new Lines((text) => this.#line('stdout', text), secrets);
    this.#stderr = new Lines((text) => this.#line('stderr', text), secrets);
  }

  readonly onStdout = (chunk: Buffer): void => {
    this.#kept.push(chunk);
    this.#stdout.push(chunk);
  };

  readonly onStderr = (chunk: Buffer): void => this.#stderr.push(chunk);

  /** Text for the log that is not an output of a command. */
  show(text: string): void {
    this.#stdout.push(Buffer.from(text));
    this.#stdout.end();
  }

  /** Something that Kiln itself has to say about the step; never a value of the user's. */
  note(text: string): void {
    this.#monitor.line('kiln', text);
  }

  /** Passes on what is left without a line end. To be called when a command has ended. */
  flush(): void {
    this.#stdout.end();
    this.#stderr.end();
  }

  /** Forgets the standard output so far: the next iteration, or the run after a reboot, has its own. */
  beginAnew(): void {
    this.flush();
    this.#kept = new BoundedOutput(MAX_STDOUT);
  }

  /** Standard output so far, without the line end at its end. */
  stdout(): string {
    // Half a secret on either side of the gap would not be found when the text is masked.
    return this.#kept.text(this.#secrets.longest * 4).replace(/\r?\n$/, '');
  }

  get stdoutIsComplete(): boolean {
    return this.#kept.leftOut === 0;
  }

  /** The last lines of standard error, or where there are none of standard output. */
  lastLines(): readonly string[] {
    if (this.#hidden) return [];
    return this.#stderr.last.length > 0 ? this.#stderr.last : this.#stdout.last;
  }

  #line(source: LineSource, text: string): void {
    if (!this.#hidden) this.#monitor.line(source, text);
  }
}

/** Cuts chunks into lines; a line longer than the limit is passed on once, shortened. */
class Lines {
  readonly last: string[] = [];
  readonly #pass: (text: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  readonly #secrets: Secrets;
  #rest = '';
  #cut = 0;

  constructor(pass: (text: string) => void, secrets: Secrets) {
    this.#pass = pass;
    this.#secrets = secrets;
  }

  push(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#append(text.slice(from, end));
      this.#emit();
      from = end + 1;
    }
    this.#append(text.slice(from));
  }

  end(): void {
    this.#append(this.#decoder.end());
    if (this.#rest !== '' || this.#cut > 0) this.#emit();
  }

  #append(text: string): void {
    // Room for a secret that begins within the limit: half of it would not be found.
    const room = Math.max(0, MAX_LINE + this.#secrets.longest - this.#rest.length);
    this.#rest += text.slice(0, room);
    this.#cut += Math.max(0, text.length - room);
  }

  #emit(): void {
    const whole = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    const masked = this.#secrets.mask(whole);
    const room = Math.min(MAX_LINE, masked.length - (this.#cut === 0 ? 0 : this.#secrets.longest));
    const shown = masked.slice(0, Math.max(0, room));
    const cut = this.#cut + masked.length - shown.length;
    const line = cut === 0 ? shown : `${shown}[… ${cut} characters left out …]`;
    this.#rest = '';
    this.#cut = 0;
    this.last.push(line);
    if (this.last.length > LAST_LINES) this.last.shift();
    this.#pass(line);
  }
}
