/**
 * Commit messages as stand-ins for issues, by the rules that made the backbone's data (training/pretrain/messages.py;
 * a test compares the two).
 */
const pattern = (...parts: readonly string[]): RegExp => new RegExp(parts.join(''), 'i');

/** Subjects that begin like this are upkeep. */
const UPKEEP_START = pattern(
  String.raw`^\W*(merge|bump|release|version|changelog|update change|update news|news|pre-commit|black\b|isort|flake8|pyupgrade|typo`,
  String.raw`|docs?\b|documentation|format|lint|whatsnew|style|cosmetic|pep ?8|pep257|reformat|revert|copyright|update copyright`,
  String.raw`|chore|ci\b|import|bench|tests?\b|tst\b|typing|typ\b|mypy|ruff|pylint|sty\b|mnt\b|maint\b|wip\b|rename|spelling|whitespace`,
  String.raw`|back out|rollback|roll back|automated|auto-|\[(?:auto|pre-commit|docs?|ci|release)|build\(|deps|prepare|cleanup|clean up|clean-up`,
  String.raw`|minor\b|misc\b|tweak|initial|blacken|apply black|run black|autopep8|refactor|move\b|delint|translat|l10n|i18n|imported translations`,
  String.raw`|remove unused|remove six|py3k|python ?3|2to3|nit\b|nits\b|more\b.{0,12}$|fix(es|ed)?\W*$|update\W*$)`,
);

/** Subjects that speak of this anywhere are upkeep. */
const UPKEEP_WORDS = pattern(
  String.raw`\b(wip|typos?|type.?hint(s|ing)?|type annotations?|annotat(e|ion|ions)|docstrings?|mypy|pylint|flake8|ruff|pyupgrade|lint(er|ing)?|f-?strings?`,
  String.raw`|pep-?8|isort|black format\w*|formatting (fix|change)\w*|whitespace|copyright|licen[cs]e|spelling|grammar|wording|misspell\w*|readme|changelog`,
  String.raw`|doc(s|umentation)? (fix|update|change|improve)\w*|(fix|update|improve|add)\w* (the )?(docs?|documentation|comments?|tests?)$|unused imports?`,
  String.raw`|bump\w*|release notes?|rename\w*|trailing spaces?|dead code|code style|clean-?ups?|refactor\w*|reformat\w*|sync(ed)? with (master|main|upstream)`,
  String.raw`|autoformat\w*|merge (branch|pull|remote)|pre-commit|this reverts|backed out|(hacking|h\d{3}|e\d{3}|n\d{3}) checks?|flaky|travis|codecov|sonar)\b`,
);

/** Lines for tools and reviewers. */
const TRAILER = pattern(
  String.raw`^\W*(signed-off-by|co-authored-by|change-id|reviewed-by|reviewed-on|acked-by|tested-by|git-svn-id|cherry.?picked|\(cherry|pull request|piperorigin`,
  String.raw`|reviewed|commit-queue|approved|(partial|closes|related|partially-implements|implements|blueprint|depends|story|task|sem-ver|docimpact|upgradeimpact`,
  String.raw`|apiimpact|securityimpact|needed-by|partial-bug|closes-bug|related-bug|closes bug|fixes bug|bug|lp bug|assisted-by|generated)[\w -]{0,20}:`,
  String.raw`|(fix(es|ed)?|close[sd]?|resolve[sd]?|refs?|see|ref|issue|ticket|re):?\s+([\w.-]+/[\w.-]+)?(gh-|#|https?:)\S*\W*$|https?://\S+$|-{3,}$|={3,}$`,
  String.raw`|--HG--|branch : |extra : |rename : |:issue:|originally? (committed|by)|from-svn|svn|author:|date:|co-authored|reverts? )`,
);

/** Entries of a list of squashed commits that say nothing. */
const SQUASHED = pattern(
  String.raw`^\s*[*-]\s+(fix(ed|es|up|ing)?\b.{0,24}$|lint|black|typo|update\b.{0,30}$|merge|address|apply|wip|review|add(ed|s)? (a |some |more |unit )*(tests?|changelog|news|docs?)`,
  String.raw`|changelog|news|pre-commit|\[pre-commit|tests?\b|docs?\b|format|cleanup|clean up|refactor|style|pr feedback|comments?|test|remove|rename|revert|more|nit|ci\b|isort|flake8|mypy)`,
);

/** `(#12)` at the end of a subject. */
const REFERENCE = pattern(
  String.raw`\s*[\[(](?:(?:closes|fixes|refs?|issue|bug|see|pr)\s*)?(?:#|gh-|GH|lp:|bpo-)\s*\d+(?:\s*,\s*#?\d+)*[\])]\.?\s*$`,
);

/** `, fixes #12` at the end of a subject. */
const CLOSES = pattern(
  String.raw`[\s,;.:(-]+(closes?d?|fix(es|ed)?|refs?|resolves?d?|see|issue|ticket|bug|for)\s+(#|gh-)\d+(\s*(,|and|&)\s*(#|gh-)?\d+)*[\s.)]*$|[.;,]?\s+(#|gh-)\d+\.?$`,
);

/** `[component]`, `#12:` and the like in front of a subject. */
const FRONT =
  /^(?:(?:fix(?:e[sd])?|closes?|refs?|issue|ticket)\s+(?:issue |bug )?#\d+\s*[:,.-]+\s+(?=\w)|\[[\w\s./#:-]{1,24}\]\s*|#\d+\s*[:-]?\s*|gh-?\d+\s*[:-]\s*|bug\s+\d+\s*[:.-]\s*|\(?[A-Z]{2,10}-\d+\)?\s*[:-]?\s*)+/;

/** What follows may give the edit away. */
const PATCH_TEXT = /^(?:# Aider chat|diff --git|```diff|--- a\/|<<<<<<<|@@ )/m;

const BOT = /\[bot\]|\b(?:dependabot|renovate|greenkeeper|pyup|pre-commit-ci|github-actions|snyk|weblate|mergify)\b/i;

const MIN_SUBJECT = 12;
const MAX_SUBJECT = 200;
/** A longer body is cut at the last line end between these, else at the second. */
const BODY_CUT = [600, 1500] as const;
/** A subject of this length that does not end like a sentence goes on in the next line. */
const WRAPPED_SUBJECT = 40;

/** Whether a commit's author (`name <address>`) is a program. */
export function isBot(author: string): boolean {
  return BOT.test(author);
}

/** Whether a commit is upkeep: releases, formatting, renames, documentation, tests, reverts. */
export function isUpkeep(subject: string): boolean {
  return (
    subject.length < MIN_SUBJECT || !subject.includes(' ') || UPKEEP_START.test(subject) || UPKEEP_WORDS.test(subject)
  );
}

/** A message as an issue: without trailers, references and lists of squashed commits. */
export function issueOfMessage(message: string): { readonly title: string; readonly body: string } {
  const lines = message
    .replaceAll('\t', '    ')
    .split('\n')
    .map((line) => line.trimEnd());
  let head = lines[0]!.trim();
  let rest = lines.slice(1);
  if (rest[0] && head.length > WRAPPED_SUBJECT && !/[.:]$/.test(head)) {
    head = `${head} ${rest[0].trim()}`;
    rest = rest.slice(1);
  }
  const isSquashed = /\(#\d+\)\s*$/.test(head);
  const title = head.replace(CLOSES, '').replace(REFERENCE, '').replace(FRONT, '').trim();
  const kept = rest.filter((line) => {
    const bare = line.trim();
    return !TRAILER.test(bare) && !SQUASHED.test(line) && !(isSquashed && bare.startsWith('* '));
  });
  const body = kept
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .split(PATCH_TEXT)[0]!
    .trim();
  return { title: title.slice(0, MAX_SUBJECT), body: withinLength(body) };
}

function withinLength(body: string): string {
  const [least, most] = BODY_CUT;
  if (body.length <= most) return body;
  const cut = body.slice(least, most).lastIndexOf('\n');
  return body.slice(0, cut < 0 ? most : least + cut).trimEnd();
}
