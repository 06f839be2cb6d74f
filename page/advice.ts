import type { ApiError } from './api.js';

/** What to do about an error, by its code. Those of one kind that are not listed are told by their status. */
const byCode: Readonly<Record<string, string>> = {
  unreachable: 'Look whether the server runs and whether you are connected, then try again.',
  unauthorized: 'Type the key that the operator of this server gave you, then try again.',
  admin_off: 'Start the server with ADMIN_API_KEY to manage agents.',
  feedback_off: 'Start the server with FEEDBACK_DIR to keep verdicts.',
  answer_not_found: 'It is no longer kept. Ask for the patches again, then judge them.',
  release_conflict: 'Somebody else changed it meanwhile. Look at the labels below and decide again.',
  nothing_to_roll_back: 'There is no earlier release; publish another pair instead.',
  agent_limit: 'Raise MAX_AGENTS, or take a release away whose agents are in use.',
  resident_limit: 'Wait until running requests end, or raise MAX_RESIDENT_AGENTS.',
  body_too_large: 'Send fewer or smaller files.',
  too_many_files: 'Remove files that the issue is not about, or pick a smaller folder.',
  file_too_large: 'Remove the file, or cut it down to the part that the issue is about.',
  issue_too_large: 'Shorten the issue: leave long logs out.',
  agent_too_large: 'The file is larger than any agent of this model; check that it is the right one.',
  invalid_request: 'Correct what is named above.',
  empty_issue: 'Write what is wrong, beginning with a title.',
  invalid_path: 'Remove the file or rename it.',
  duplicate_path: 'Remove one of the two.',
  binary_content: 'Remove what is not text.',
  diff_does_not_apply:
    'Correct the diff: its unchanged and removed lines must be those of the file, at the lines that it names.',
  agent_wrong_backbone: 'Train the agent on the backbone of this server.',
  publish_busy: 'Another change is being made; try again in a moment.',
  overloaded: 'The server is busy.',
  inference_crashed: 'Try again; if it happens with this request each time, tell the operator.',
  not_ready: 'The model is still loading.',
  shutting_down: 'The server is being stopped; try again later.',
  queue_timeout: 'The server is busy.',
  deadline_exceeded: 'Send less code or ask for fewer patches.',
};

/** What to do about a failure; one or two sentences. */
export function adviceFor({ code, status, retryAfterSeconds }: ApiError): string {
  const known = byCode[code] ?? byStatus(code, status);
  return retryAfterSeconds > 0 ? `${known} Try again in ${retryAfterSeconds} s.` : known;
}

function byStatus(code: string, status: number): string {
  if (code.startsWith('agent_')) return 'The file cannot serve here; export or train it again.';
  // An error in the middle of a stream has no status of its own; only failures of the server come there.
  if (status === 0 || status >= 500)
    return 'Try again; if it stays, tell the operator, who finds the reason in the log.';
  return 'Correct the request, then try again.';
}
