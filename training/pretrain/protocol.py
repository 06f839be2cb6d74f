"""The text protocol between an issue, a window of code, an analysis and a patch (docs/design.md).

Everything here is a pure function of its arguments: the same input gives the same ids on every machine.
"""
import re
from functools import lru_cache

SPECIALS = (
    "<|issue|>", "<|file|>", "<|code|>", "<|problem|>", "<|type|>", "<|loc|>", "<|line|>", "<|hint|>",
    "<|ctx|>", "<|top|>", "<|del|>", "<|add|>", "<|analyse|>", "<|patch|>", "<|mask|>",
)
SPACE_RUNS = (2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 20, 24, 28, 32)
FAULT_TYPES = (
    "wrong condition", "wrong operator", "missing check", "missing statement", "extra code", "order of statements",
    "exception handling", "wrong exception", "return value", "wrong argument", "missing argument", "wrong call",
    "wrong name", "wrong attribute", "wrong constant", "wrong text", "signature", "missing definition", "import", "wrong statement",
)
PAD, BOS, EOS, UNK = 0, 1, 2, 3

MAX_ISSUE_TOKENS = 320
MAX_PATH_TOKENS = 64
MAX_SOURCE_TOKENS = 1024
MAX_ANALYSIS_TOKENS = 160
MAX_PATCH_TOKENS = 320
MAX_ADD_TOKENS = 160
WINDOW_LINES = 80
VIEW_CHARS = 240
HEADING_CHARS = 120

_SPLIT = re.compile(r"(?<=<)(?=\|)")
_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\b")


def view(line: str) -> str:
    """What the model sees of a line: no trailing carriage return, at most 240 characters."""
    return line.removesuffix("\r")[:VIEW_CHARS]


def is_definition(line: str) -> bool:
    """Whether a line opens a definition."""
    return _DEFINITION.match(line) is not None


def heading_above(lines: list[str], start: int) -> str:
    """The last line before index `start` that opens a definition, stripped; empty if there is none."""
    for index in range(start - 1, -1, -1):
        if is_definition(lines[index]):
            return lines[index].strip()[:HEADING_CHARS]
    return ""


class Codec:
    """A SentencePiece model with the protocol's special symbols."""

    def __init__(self, model_file: str):
        import sentencepiece

        self.model_file = str(model_file)
        self.processor = sentencepiece.SentencePieceProcessor(model_file=self.model_file)
        self.size = self.processor.get_piece_size()
        self.special = {name: self.processor.piece_to_id(name) for name in SPECIALS}
        self.newline = self.processor.piece_to_id("\n")
        missing = [name for name, id_ in self.special.items() if id_ == UNK]
        if missing or self.newline == UNK:
            raise ValueError(f"{model_file} lacks the symbols {missing or ['newline']}")
        for name, id_ in self.special.items():
            setattr(self, name[2:-2], id_)
        self.lower_block = [self.processor.piece_to_id(f"<0x{byte:02X}>") for byte in "\u2581".encode()]
        self._line = lru_cache(maxsize=200_000)(self._encode_line)

    def __reduce__(self):
        return (Codec, (self.model_file,))

    def encode_text(self, text: str) -> list[int]:
        """Ids of any text. Never gives a special id, also if the text spells one; U+2581, SentencePiece's sign for a space, goes by its bytes."""
        if "<|" not in text and "\u2581" not in text:
            return self.processor.encode(text)
        ids: list[int] = []
        for number, run in enumerate(text.split("\u2581")):
            ids += self.lower_block if number else []
            ids += [id_ for part in _SPLIT.split(run) for id_ in self.processor.encode(part)]
        return ids

    def _encode_line(self, line: str) -> tuple[int, ...]:
        return (*self.encode_text(line), self.newline)

    def encode_line(self, line: str) -> list[int]:
        """Ids of one line and the newline symbol."""
        return list(self._line(line))

    def encode_lines(self, lines: list[str]) -> list[int]:
        """Ids of several lines."""
        return [id_ for line in lines for id_ in self._line(line)]

    def decode(self, ids: list[int]) -> str:
        """The text of ids, special symbols by name."""
        return self.processor.decode(list(ids))

    def readable(self, ids: list[int]) -> str:
        """The text of ids for people: every special symbol on a new line."""
        return re.sub(r"\n?(<\|(?:%s)\|>)" % "|".join(s[2:-2] for s in SPECIALS), r"\n\1", self.decode(ids))


def encode_head(codec: Codec, title: str, body: str, path: str, heading: str) -> list[int]:
    """Encoder ids before the window's lines: issue, path and heading (docs/design.md)."""
    title, body = " ".join(title.split()), body.strip("\n")
    issue = codec.encode_text(title + ("\n" + body if body else ""))[:MAX_ISSUE_TOKENS - 1]
    return [
        codec.issue, *issue, codec.newline,
        codec.file, *codec.encode_text(path)[-(MAX_PATH_TOKENS - 1):], codec.newline,
        codec.code, *codec.encode_line(heading[:HEADING_CHARS]),
    ]


def encode_source(codec: Codec, title: str, body: str, path: str, heading: str, lines: list[str]) -> list[int]:
    """The whole encoder text. The caller keeps to the limits on lines and tokens."""
    return encode_head(codec, title, body, path, heading) + codec.encode_lines([view(line) for line in lines])
