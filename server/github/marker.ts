import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a comment or pull request says about itself, out of sight. */
export interface Marker {
  /** Numeric id of the repository: it stays when the repository gets another name. */
  readonly repository: number;
  readonly issue: number;
  /** Id of the answer, for feedback. */
  readonly answer: string;
}

const PATTERN =
  /<!-- agentic-seq2seq issue=(\d{1,12}) answer=([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}) key=([0-9a-f]{64}) -->/g;

/** A marker as an HTML comment. The key binds it to its repository, so that nobody else can write one. */
export function markerText(marker: Marker, secret: string): string {
  return `<!-- agentic-seq2seq issue=${marker.issue} answer=${marker.answer} key=${keyOf(marker, secret)} -->`;
}

/** The marker in a text of a repository; undefined if there is none whose key fits one of the secrets. */
export function readMarker(text: string, repository: number, secrets: readonly string[]): Marker | undefined {
  // It is written last; what stands before may quote an issue that holds something alike.
  const [, issue, answer, key] = [...text.matchAll(PATTERN)].at(-1) ?? [];
  if (issue === undefined || answer === undefined || key === undefined) return undefined;
  const marker = { repository, issue: Number(issue), answer };
  const fits = (secret: string): boolean => timingSafeEqual(Buffer.from(key), Buffer.from(keyOf(marker, secret)));
  return secrets.some(fits) ? marker : undefined;
}

function keyOf({ repository, issue, answer }: Marker, secret: string): string {
  return createHmac('sha256', secret).update(`marker ${repository} ${issue} ${answer}`).digest('hex');
}
