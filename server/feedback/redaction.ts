import type { FeedbackRecord } from './record.js';

const SUBSTITUTE = '[redacted]';

/** Replaces the texts a user has marked. */
export interface Redaction {
  readonly text: (text: string) => string;
  /** Of a unified diff only what it quotes: its signs and line numbers stay, so it fits files that are redacted the same way. */
  readonly diff: (diff: string) => string;
}

/** Marks are literal texts of one line; of two that begin at the same place the longer one counts. */
export function redactionOf(marks: readonly string[]): Redaction {
  const longestFirst = [...marks].sort((a, b) => b.length - a.length);
  // What was redacted before stays as it is, whatever is marked now.
  const pattern = new RegExp([SUBSTITUTE, ...longestFirst].map(escaped).join('|'), 'g');
  const text = (value: string): string => value.replace(pattern, SUBSTITUTE);
  return {
    text,
    diff: (diff) => diff.replace(DIFF_LINE, (_line, head: string, rest: string) => head + text(rest)),
  };
}

/** A line of a diff: what gives it its meaning, and what it quotes. */
const DIFF_LINE = /^((?:diff --git |--- (?=[^\n]*\n\+\+\+ )|(?<=^--- [^\n]*\n)\+\+\+ |@@ [^@\n]*@@|[ +-])?)([^\n]*)/gm;

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/** Everything of a record that came from the user or quotes it. */
export function redacted(record: FeedbackRecord, { text, diff }: Redaction): FeedbackRecord {
  const { issue, files, patches, feedback } = record;
  return {
    ...record,
    issue: { title: text(issue.title), body: text(issue.body) },
    files: files.map(({ path, content }) => ({ path: text(path), content: text(content) })),
    patches: patches.map((patch) => ({
      diff: diff(patch.diff),
      analysis: {
        ...patch.analysis,
        problem: text(patch.analysis.problem),
        fault_location: text(patch.analysis.fault_location),
        line: text(patch.analysis.line),
        hint: text(patch.analysis.hint),
      },
    })),
    feedback: feedback && {
      ...feedback,
      diff: feedback.diff === null ? null : diff(feedback.diff),
      comment: feedback.comment === null ? null : text(feedback.comment),
    },
  };
}
