"""The exported directory -> released weights that training can go on from, bit for bit.

    python restore.py --model ../../model/artifacts --out backbone.safetensors

The codes and scales in encoder.bin, decoder.bin and embedding.bin are those of backbone.safetensors in the layout of the graphs' initialisers,
so the repository alone holds everything a further run needs besides mined records.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from safetensors.torch import save_file

from model import KINDS, Config

DTYPES = {TensorProto.FLOAT16: np.float16, TensorProto.UINT8: np.uint8, TensorProto.FLOAT: np.float32}


class Exported:
    """The initialisers of the exported graphs by name."""

    def __init__(self, folder: Path):
        self.folder, self.tensors = folder, {}
        for name in ("encoder", "decoder"):
            graph = onnx.load(str(folder / f"{name}.onnx"), load_external_data=False).graph
            self.tensors.update({(name, tensor.name): tensor for tensor in graph.initializer})
            self.final = graph  # the decoder's, last

    def array(self, side: str, name: str) -> np.ndarray:
        tensor = self.tensors[side, name]
        place = {entry.key: entry.value for entry in tensor.external_data}
        with open(self.folder / place["location"], "rb") as file:
            file.seek(int(place["offset"]))
            data = file.read(int(place["length"]))
        return np.frombuffer(data, DTYPES[tensor.data_type]).reshape(tuple(tensor.dims))

    def final_norm(self) -> np.ndarray:
        """The weight that the decoder multiplies the gathered hidden states with before the head."""
        gathered = next(node for node in self.final.node if node.op_type == "GatherND").output[0]
        scaled = next(node for node in self.final.node if node.op_type == "Mul" and gathered in node.input)
        return numpy_helper.to_array(self.tensors["decoder", scaled.input[1]])


def config_of(folder: Path) -> Config:
    fields = json.loads((folder / "config.json").read_text())
    fields.update(adapter_rank=fields["adapter"]["rank"], head_rank=fields["adapter"]["head_rank"], decoder_parents=tuple(fields["decoder_parents"]))
    return Config(**{field.name: fields[field.name] for field in dataclasses.fields(Config) if field.name in fields})


def restore(folder: Path) -> tuple[Config, dict[str, torch.Tensor]]:
    """Configuration and tensors as `store.load` gives them for the file that the directory was exported from."""
    config, exported = config_of(folder), Exported(folder)
    arrays = {"final_norm": exported.final_norm(), "embedding.scales": exported.array("decoder", "embedding.scales"),
              "embedding.codes": exported.array("decoder", "embedding.codes")}
    for side in ("encoder", "decoder"):
        for kind in KINDS:
            # The last encoder layer ends with its keys and values.
            layers = getattr(config, f"{side}_layers") - (1 if side == "encoder" and kind != "qkv" else 0)
            for part in ("codes", "scales"):
                arrays[f"{side}_{kind}.{part}"] = np.stack([exported.array(side, f"{side}_{kind}_{i}.{part}") for i in range(layers)])
    return config, {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="exported directory")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    config, tensors = restore(options.model)
    temporary = options.out.with_suffix(".part")
    save_file(tensors, temporary, metadata={"config": json.dumps(dataclasses.asdict(config)), "notes": json.dumps({"restored": True})})
    temporary.replace(options.out)
    print(f"{options.out}: {sum(t.nbytes for t in tensors.values()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
