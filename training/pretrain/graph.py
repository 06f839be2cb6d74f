"""A small ONNX graph builder: nodes, initialisers in shared external files, and the quantised forms onnxruntime computes fast.

Scales are stored as fp16 and cast to fp32 once, when the session is created (constant folding).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CONTRIB = "com.microsoft"
BLOCK = 32
TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("float16"): TensorProto.FLOAT16, np.dtype("int64"): TensorProto.INT64,
         np.dtype("uint8"): TensorProto.UINT8}


class WeightFile:
    """Appends arrays to one external data file, each aligned to 4,096 bytes so that it can be mapped."""

    def __init__(self, path: Path):
        self.path, self.file, self.known = path, open(path, "wb"), {}

    def add(self, name: str, array: np.ndarray) -> tuple[int, int]:
        if name not in self.known:
            self.file.write(b"\0" * (-self.file.tell() % 4096))
            self.known[name] = (self.file.tell(), array.nbytes)
            self.file.write(np.ascontiguousarray(array).tobytes())
        return self.known[name]


class Graph:
    """Collects the nodes of one graph; every method returns the name(s) of its output(s)."""

    def __init__(self, name: str):
        self.name, self.nodes, self.initialisers, self.inputs, self.outputs = name, [], {}, [], []
        self.constants: dict[tuple, str] = {}

    def input(self, name: str, kind: int, shape: list) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, shape: list, kind: int = TensorProto.FLOAT) -> str:
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, value, dtype=np.int64) -> str:
        """A small constant inside the graph file."""
        array = np.array(value, dtype)
        key = (array.tobytes(), array.shape, array.dtype.str)
        if key not in self.constants:
            self.constants[key] = f"constant_{len(self.constants)}"
            self.initialisers[self.constants[key]] = numpy_helper.from_array(array, self.constants[key])
        return self.constants[key]

    def external(self, name: str, array: np.ndarray, file: WeightFile, stored_as: str | None = None) -> str:
        """A weight kept in an external file; graphs (and differently shaped initialisers) share the bytes by `stored_as`, the name by default."""
        if name not in self.initialisers:
            offset, length = file.add(stored_as or name, array)
            tensor = TensorProto(name=name, dims=array.shape, data_type=TYPES[array.dtype], data_location=TensorProto.EXTERNAL)
            for key, value in (("location", file.path.name), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))
            self.initialisers[name] = tensor
        return name

    def op(self, kind: str, inputs: list[str], outputs: int | list[str] = 1, domain: str = "", **attributes):
        names = outputs if isinstance(outputs, list) else [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=f"{kind}_{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if len(names) == 1 else names

    def scales(self, name: str, array: np.ndarray, file: WeightFile) -> str:
        return self.op("Cast", [self.external(f"{name}.scales", array, file)], to=TensorProto.FLOAT)

    def linear(self, x: str, name: str, codes: np.ndarray, scales: np.ndarray, bits: int, file: WeightFile, outputs: int | list[str] = 1) -> str:
        """x [..., in] @ W^T with W [out, in] as codes [out, in/32, 16 | 32] and scales [out, in/32]; activations in int8 blocks (accuracy level 4)."""
        inputs = [x, self.external(f"{name}.codes", codes, file), self.scales(name, scales, file)]
        return self.op("MatMulNBits", inputs, outputs, CONTRIB, K=scales.shape[1] * BLOCK, N=scales.shape[0], bits=bits, block_size=BLOCK, accuracy_level=4)

    def save(self, path: Path) -> None:
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.initialisers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)], ir_version=10)
        path.write_bytes(model.SerializeToString())
