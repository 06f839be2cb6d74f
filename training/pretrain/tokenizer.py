"""Trains the SentencePiece model of the protocol: the real one on mined records, a tiny one for tests.

    python tokenizer.py tiny ../../test/fixtures/tiny/tokenizer.model
    python tokenizer.py real ../../.work/tokenizer.model
"""
import argparse
import random
import tempfile
from pathlib import Path

from protocol import SPACE_RUNS, SPECIALS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SNIPPETS = HERE / "snippets.txt"


def train(lines: list[str], model_file: Path, pieces: int) -> None:
    """Trains a model of exactly `pieces` pieces on lines of text (leading spaces count)."""
    import sentencepiece

    model_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text.txt"
        text.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        prefix = Path(folder) / "trained"
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(prefix), model_type="bpe", vocab_size=pieces,
            pad_id=0, bos_id=1, eos_id=2, unk_id=3, byte_fallback=True, character_coverage=0.9995,
            normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False,
            split_digits=True, allow_whitespace_only_pieces=True, max_sentence_length=2000, num_threads=2,
            user_defined_symbols=["\n", "\t", *SPECIALS, *("▁" * run for run in SPACE_RUNS)],
            input_sentence_size=len(lines), shuffle_input_sentence=False, minloglevel=1,
        )
        partial = model_file.with_suffix(".partial")
        partial.write_bytes(prefix.with_suffix(".model").read_bytes())
        partial.replace(model_file)


def own_lines() -> list[str]:
    """Text this project owns: its documentation, its own Python files and the snippets."""
    files = [*sorted((ROOT / "docs").glob("*.md")), *sorted(HERE.glob("*.py")), SNIPPETS]
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def record_lines(limit: int, seed: int = 1) -> list[str]:
    """Lines of training records: issue texts, windows and new lines, evenly over the repositories."""
    from records import read_records, training_files

    rng = random.Random(seed)
    files = training_files()
    out: list[str] = []
    for file in files:
        share, taken = limit // len(files), 0
        rows = list(read_records(file))
        rng.shuffle(rows)
        for row in rows:
            if taken >= share:
                break
            chosen = [row["subject"], *row["body"].split("\n"), row["path"], row["heading"], *row["before"]]
            chosen += [line for edit in row["edits"] for line in edit[2]]
            chosen = [line for line in chosen if line.strip() and len(line) < 400]
            out += chosen
            taken += len(chosen)
    rng.shuffle(out)
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=("tiny", "real"))
    parser.add_argument("model_file", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    args = parser.parse_args()
    lines, pieces = (own_lines(), 1024) if args.size == "tiny" else (record_lines(args.lines), 16_384)
    train(lines, args.model_file, pieces)
    print(f"{args.model_file}: {pieces} pieces from {len(lines)} lines")


if __name__ == "__main__":
    main()
