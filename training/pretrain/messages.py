"""Commit messages: which commits to leave out, and the text that stands in for the issue."""
import re

_SKIP_START = re.compile(
    r"\W*(merge|bump|release|version|changelog|update change|update news|news|pre-commit|black\b|isort|flake8|pyupgrade|typo"
    r"|docs?\b|documentation|format|lint|whatsnew|style|cosmetic|pep ?8|pep257|reformat|revert|copyright|update copyright"
    r"|chore|ci\b|import|bench|tests?\b|tst\b|typing|typ\b|mypy|ruff|pylint|sty\b|mnt\b|maint\b|wip\b|rename|spelling|whitespace"
    r"|back out|rollback|roll back|automated|auto-|\[(?:auto|pre-commit|docs?|ci|release)|build\(|deps|prepare|cleanup|clean up|clean-up"
    r"|minor\b|misc\b|tweak|initial|blacken|apply black|run black|autopep8|refactor|move\b|delint|translat|l10n|i18n|imported translations"
    r"|remove unused|remove six|py3k|python ?3|2to3|nit\b|nits\b|more\b.{0,12}$|fix(es|ed)?\W*$|update\W*$)", re.I)
_SKIP_WORDS = re.compile(
    r"\b(wip|typos?|type.?hint(s|ing)?|type annotations?|annotat(e|ion|ions)|docstrings?|mypy|pylint|flake8|ruff|pyupgrade|lint(er|ing)?|f-?strings?"
    r"|pep-?8|isort|black format\w*|formatting (fix|change)\w*|whitespace|copyright|licen[cs]e|spelling|grammar|wording|misspell\w*|readme|changelog"
    r"|doc(s|umentation)? (fix|update|change|improve)\w*|(fix|update|improve|add)\w* (the )?(docs?|documentation|comments?|tests?)$|unused imports?"
    r"|bump\w*|release notes?|rename\w*|trailing spaces?|dead code|code style|clean-?ups?|refactor\w*|reformat\w*|sync(ed)? with (master|main|upstream)"
    r"|autoformat\w*|merge (branch|pull|remote)|pre-commit|this reverts|backed out|(hacking|h\d{3}|e\d{3}|n\d{3}) checks?|flaky|travis|codecov|sonar)\b", re.I)
_TRAILER = re.compile(
    r"^\W*(signed-off-by|co-authored-by|change-id|reviewed-by|reviewed-on|acked-by|tested-by|git-svn-id|cherry.?picked|\(cherry|pull request|piperorigin"
    r"|reviewed|commit-queue|approved|(partial|closes|related|partially-implements|implements|blueprint|depends|story|task|sem-ver|docimpact|upgradeimpact"
    r"|apiimpact|securityimpact|needed-by|partial-bug|closes-bug|related-bug|closes bug|fixes bug|bug|lp bug|assisted-by|generated)[\w -]{0,20}:"
    r"|(fix(es|ed)?|close[sd]?|resolve[sd]?|refs?|see|ref|issue|ticket|re):?\s+([\w.-]+/[\w.-]+)?(gh-|#|https?:)\S*\W*$|https?://\S+$|-{3,}$|={3,}$"
    r"|--HG--|branch : |extra : |rename : |:issue:|originally? (committed|by)|from-svn|svn|author:|date:|co-authored|reverts? )", re.I)
_NOISE = re.compile(
    r"^\s*[*-]\s+(fix(ed|es|up|ing)?\b.{0,24}$|lint|black|typo|update\b.{0,30}$|merge|address|apply|wip|review|add(ed|s)? (a |some |more |unit )*(tests?|changelog|news|docs?)"
    r"|changelog|news|pre-commit|\[pre-commit|tests?\b|docs?\b|format|cleanup|clean up|refactor|style|pr feedback|comments?|test|remove|rename|revert|more|nit|ci\b|isort|flake8|mypy)", re.I)
_PATCH_TEXT = re.compile(r"^(?:# Aider chat|diff --git|```diff|--- a/|<<<<<<<|@@ )", re.M)      # what follows may give the edit away
_REFERENCE = re.compile(r"\s*[\[(](?:(?:closes|fixes|refs?|issue|bug|see|pr)\s*)?(?:#|gh-|GH|lp:|bpo-)\s*\d+(?:\s*,\s*#?\d+)*[\])]\.?\s*$", re.I)
_CLOSES = re.compile(r"[\s,;.:(-]+(closes?d?|fix(es|ed)?|refs?|resolves?d?|see|issue|ticket|bug|for)\s+(#|gh-)\d+(\s*(,|and|&)\s*(#|gh-)?\d+)*[\s.)]*$|[.;,]?\s+(#|gh-)\d+\.?$", re.I)
_FRONT = re.compile(r"^(?:(?:fix(?:e[sd])?|closes?|refs?|issue|ticket)\s+(?:issue |bug )?#\d+\s*[:,.-]+\s+(?=\w)|\[[\w\s./#:-]{1,24}\]\s*|#\d+\s*[:-]?\s*|gh-?\d+\s*[:-]\s*|bug\s+\d+\s*[:.-]\s*|\(?[A-Z]{2,10}-\d+\)?\s*[:-]?\s*)+")
FIX = re.compile(
    r"\b(fix\w*|bugs?|bugfix|errors?|crash\w*|wrong\w*|incorrect\w*|fail\w*|rais(e|es|ed|ing)|regressions?|handl(e|es|ed|ing)|missing|broken?|breaks?|avoid\w*"
    r"|prevent\w*|correct(s|ly|ed)?|exceptions?|traceback|invalid|issues?|unexpected\w*|should|when|leak\w*|race|deadlock|hang(s|ing)?|not work\w*"
    r"|doesn'?t|don'?t|can'?t|never|instead of|ensure|edge cases?|off.by.one|overflow|duplicate\w*|ignor(e|ed|es))\b", re.I)


def is_fix(subject: str, body: str = "") -> bool:
    """Whether the message speaks of a defect."""
    return FIX.search(subject) is not None or len(FIX.findall(body[:400])) >= 2


def unwanted(subject: str) -> bool:
    """Whether a commit is upkeep: releases, formatting, renames, documentation, tests, reverts."""
    return len(subject) < 12 or " " not in subject or _SKIP_START.match(subject) is not None or _SKIP_WORDS.search(subject) is not None


def clean(raw: str) -> tuple[str, str]:
    """(subject, body) of a message without trailers, references and lists of squashed commits."""
    lines = [line.rstrip() for line in raw.replace("\t", "    ").split("\n")]
    head = lines[0].strip()
    rest = lines[1:]
    if rest and rest[0] and len(head) > 40 and not head.endswith((".", ":")):   # a subject wrapped over two lines
        head, rest = f"{head} {rest[0].strip()}", rest[1:]
    squashed = bool(re.search(r"\(#\d+\)\s*$", head))
    subject = _FRONT.sub("", _REFERENCE.sub("", _CLOSES.sub("", head))).strip()
    body: list[str] = []
    for line in rest:
        bare = line.strip()
        if _TRAILER.match(bare) or _NOISE.match(line) or squashed and bare.startswith("* "):
            continue
        body.append(line)
    text = _PATCH_TEXT.split(re.sub(r"\n{3,}", "\n\n", "\n".join(body)))[0].strip()
    if len(text) > 1500:
        cut = text.rfind("\n", 600, 1500)
        text = text[: cut if cut > 0 else 1500].rstrip()
    return subject[:200], text
