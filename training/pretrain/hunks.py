"""Patches as text: hunks with unique anchors (docs/design.md), made from edits and applied to a window.

An edit is [start, end, new lines]: the window's lines start…end-1 become the new lines.
"""
from protocol import EOS, Codec, view


class PatchError(ValueError):
    """A patch that cannot be written or read."""


def tidy(lines: list[str], edits: list) -> list:
    """The same edits without equal lines at their borders, without no-ops, and joined where they touch."""
    out: list = []
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        new = list(new)
        while start < end and new and lines[start] == new[0]:
            start, new = start + 1, new[1:]
        while start < end and new and lines[end - 1] == new[-1]:
            end, new = end - 1, new[:-1]
        if start == end and not new:
            continue
        if out and out[-1][1] >= start:
            out[-1] = [out[-1][0], end, out[-1][2] + new]
        else:
            out.append([start, end, new])
    return out


def is_unique(views: list[str], cursor: int, first: int, last: int) -> bool:
    """Whether the run views[first:last] matches at no other position from the cursor on."""
    run = views[first:last]
    return all(views[p:p + len(run)] != run for p in range(cursor, len(views) - len(run) + 1) if p != first)


def to_items(lines: list[str], edits: list) -> list[tuple[str, str]]:
    """The patch as (mark, text) pairs, mark one of top, ctx, del, add. Raises PatchError when an anchor cannot be unique."""
    views = [view(line) for line in lines]
    items: list[tuple[str, str]] = []
    cursor, bare = 0, False     # bare: the hunk before has no added lines
    for number, (start, end, new) in enumerate(edits):
        first, top = start, False
        if (start == end or bare) and first > cursor:
            first -= 1
        if start == end and first == start:
            if number:
                raise PatchError("insertion without an anchor")
            top = True
        while not top and not is_unique(views, cursor, first, end):
            if first > cursor:
                first -= 1
            elif number == 0:
                top = True
            else:
                raise PatchError("ambiguous anchor")
        items += [("top", "")] * top
        items += [("ctx", text) for text in views[first:start]]
        items += [("del", text) for text in views[start:end]]
        items += [("add", text) for text in new]
        cursor, bare = end, not new
    return items


def encode_patch(codec: Codec, items: list[tuple[str, str]]) -> list[int]:
    """Token ids of a patch, without the surrounding `patch` and `eos`."""
    ids: list[int] = []
    for mark, text in items:
        ids.append(codec.special[f"<|{mark}|>"])
        if mark != "top":
            ids += codec.encode_line(text)
    return ids


def decode_patch(codec: Codec, ids: list[int]) -> list[tuple[str, str]]:
    """(mark, text) pairs of token ids; reads up to eos. Raises PatchError for anything else."""
    marks = {codec.special[f"<|{mark}|>"]: mark for mark in ("top", "ctx", "del", "add")}
    specials = set(codec.special.values())
    items: list[tuple[str, str]] = []
    position = 0
    while position < len(ids) and ids[position] != EOS:
        mark = marks.get(ids[position])
        if mark is None:
            raise PatchError(f"no mark at {position}")
        position += 1
        text = ""
        if mark != "top":
            try:
                end = ids.index(codec.newline, position)
            except ValueError:
                raise PatchError("a line without an end") from None
            if specials.intersection(ids[position:end]) or EOS in ids[position:end]:
                raise PatchError("a special symbol in a line")
            text, position = codec.decode(ids[position:end]), end + 1
        items.append((mark, text))
    return items


def apply_items(lines: list[str], items: list[tuple[str, str]]) -> list[str]:
    """The window after the patch. Raises PatchError unless every anchor is found and unique."""
    views = [view(line) for line in lines]
    hunks: list[tuple[bool, list, list]] = []
    before = ""
    for mark, text in items:
        if mark == "top" and (before or len(hunks)):
            raise PatchError("top inside a patch")
        opens = before == "" or mark == "ctx" and before in ("del", "add") or mark == "del" and before == "add"
        if opens:
            hunks.append((mark == "top", [], []))
        if mark in ("ctx", "del"):
            hunks[-1][1].append((mark, text))
        elif mark == "add":
            hunks[-1][2].append(text)
        before = mark
    out: list[str] = []
    cursor = 0
    for at_top, quoted, added in hunks:
        run = [text for _, text in quoted]
        if [text for mark, text in quoted if mark == "del"] == added:
            raise PatchError("no effect")
        found = [0] if at_top and views[:len(run)] == run else [] if at_top or not run else [
            p for p in range(cursor, len(views) - len(run) + 1) if views[p:p + len(run)] == run]
        if len(found) != 1:
            raise PatchError("anchor not found" if not found else "ambiguous anchor")
        out += lines[cursor:found[0]]
        out += [lines[found[0] + offset] for offset, (mark, _) in enumerate(quoted) if mark == "ctx"]
        out += added
        cursor = found[0] + len(run)
    return out + lines[cursor:]


def parse_patch(codec: Codec, lines: list[str], ids: list[int]) -> list[str]:
    """The window's lines after the patch given as token ids."""
    return apply_items(lines, decode_patch(codec, ids))
