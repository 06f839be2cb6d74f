import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { diffFault } from './diff-check.js';
import { readRecords, writeRecord } from './files.js';
import { VERDICTS, type Feedback, type FeedbackRecord, type Verdict } from './record.js';
import { redacted, redactionOf } from './redaction.js';

/** What is kept, where and for how long. */
export interface FeedbackSettings {
  readonly folder: string;
  /** Days after the answer. */
  readonly days: number;
  /** Bytes of all records. */
  readonly maxBytes: number;
}

/** The body of POST /v1/patches/{id}/feedback once it fits the schema. */
export interface FeedbackBody {
  readonly verdict: Verdict;
  readonly patch?: number;
  readonly diff?: string;
  readonly comment?: string;
  readonly redact?: readonly string[];
}

interface Entry {
  /** ms since 1970. */
  readonly answered: number;
  readonly bytes: number;
  readonly verdict: Verdict | null;
}

const DAY_MS = 24 * 3600 * 1000;
/** How often what has expired is looked for when nobody asks. */
const SWEEP_MS = 3600 * 1000;

/**
 * Requests with their answers and verdicts, a file each, in a folder of their own. Changes go one after the other, so a verdict
 * never meets a half-written record. A record is *open* (no verdict) or *judged*, and gone once it is older than the retention or
 * when others need its room: open ones make room first, each kind from the oldest.
 */
export class FeedbackStore {
  readonly #settings: FeedbackSettings;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(settings: FeedbackSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    this.#timer = setInterval(() => {
      // What cannot be removed now is tried again with the next change.
      this.sweep().catch(() => undefined);
    }, SWEEP_MS).unref();
  }

  /** Makes the folder if it is missing and removes what has expired. Throws StoreError when a record is damaged. */
  static async open(settings: FeedbackSettings, now: () => number = Date.now): Promise<FeedbackStore> {
    const { folder } = settings;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // What a crash left half-written.
    for (const name of await readdir(folder)) if (name.endsWith('.tmp')) await rm(join(folder, name));
    const store = new FeedbackStore(settings, now);
    try {
      for await (const { record, bytes } of readRecords(folder)) store.#note(record, bytes);
      await store.sweep();
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  /** Answers with a verdict that are kept, by verdict. */
  get counts(): Readonly<Record<Verdict, number>> {
    const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
    for (const { verdict } of this.#entries.values()) if (verdict !== null) counts[verdict] += 1;
    return counts;
  }

  /** Keeps a request and its answer without what is marked. One that is larger than all the room is not kept. */
  remember(answer: Omit<FeedbackRecord, 'time' | 'feedback'>, marks: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      const record = { ...answer, time: new Date(this.#now()).toISOString(), feedback: null };
      await this.#write(redacted(record, redactionOf(marks)));
    });
  }

  /**
   * Keeps a verdict in the place of an earlier one. What it marks is replaced in the request as well. Throws AppError
   * `answer_not_found`, `invalid_request` (a patch that the answer does not have), `diff_does_not_apply`.
   */
  judge(id: string, body: FeedbackBody): Promise<void> {
    return this.#inTurn(async () => {
      await this.#sweep();
      // Only ids of this list become names of files.
      if (!this.#entries.has(id)) {
        throw new AppError('answer_not_found', 'No answer of this id is kept: it is unknown or expired.');
      }
      const stored = JSON.parse(await readFile(this.#fileOf(id), 'utf8')) as FeedbackRecord;
      const feedback: Feedback = {
        time: new Date(this.#now()).toISOString(),
        verdict: body.verdict,
        patch: judgedPatch(body, stored.patches.length),
        diff: body.diff ?? null,
        comment: body.comment ?? null,
      };
      // Redacted first: the files may be so already.
      const record = redacted({ ...stored, feedback }, redactionOf(body.redact ?? []));
      const diff = record.feedback?.diff ?? null;
      const fault = diff === null ? undefined : diffFault(diff, record.files);
      if (fault !== undefined) {
        throw new AppError('diff_does_not_apply', `The diff does not apply: it ${fault}.`, {
          details: [{ path: '/diff', message: fault }],
        });
      }
      await this.#write(record);
    });
  }

  /** Removes what has expired or has no room. */
  sweep(): Promise<void> {
    return this.#inTurn(() => this.#sweep());
  }

  /** Resolves when all that was begun is on disk. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work).catch((error: unknown) => {
      if (error instanceof Error && 'syscall' in error) {
        throw new AppError('feedback_unavailable', 'The feedback cannot be read or written.', { cause: error });
      }
      throw error;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write(record: FeedbackRecord): Promise<void> {
    this.#note(record, await writeRecord(this.#settings.folder, record));
    await this.#sweep();
  }

  #note({ id, time, feedback }: FeedbackRecord, bytes: number): void {
    this.#entries.set(id, { answered: Date.parse(time), bytes, verdict: feedback?.verdict ?? null });
  }

  async #sweep(): Promise<void> {
    const { days, maxBytes } = this.#settings;
    const oldest = this.#now() - days * DAY_MS;
    let bytes = [...this.#entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    const rank = (entry: Entry): number => (entry.answered < oldest ? 0 : entry.verdict === null ? 1 : 2);
    const order = [...this.#entries].sort(([, a], [, b]) => rank(a) - rank(b) || a.answered - b.answered);
    for (const [id, entry] of order) {
      if (rank(entry) > 0 && bytes <= maxBytes) break;
      await rm(this.#fileOf(id), { force: true });
      this.#entries.delete(id);
      bytes -= entry.bytes;
    }
  }

  #fileOf(id: string): string {
    return join(this.#settings.folder, `${id}.json`);
  }
}

/** The patch a verdict is about: the first unless another is named. */
function judgedPatch({ verdict, patch }: FeedbackBody, patches: number): number | null {
  if (patches === 0 && patch === undefined && verdict !== 'accepted') return null;
  const position = patch ?? 0;
  if (position < patches) return position;
  throw new AppError('invalid_request', `The answer has ${patches} patches.`, {
    details: [{ path: '/patch', message: `must be below ${patches}` }],
  });
}
