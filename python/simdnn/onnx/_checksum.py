"""The checksum in an ONNX file: SHA-256 of nodes, constants, inputs and outputs."""

from __future__ import annotations

from typing import Any

#: Name of the checksum among the metadata of a model.
KEY = "simdnn.sha256"


def checksum_of(graph: Any) -> str:
    """The checksum of a graph; annotations that other programs add do not change it."""
    import hashlib  # imported here to keep `import simdnn.onnx` fast

    digest = hashlib.sha256()
    for parts in (graph.node, graph.initializer, graph.input, graph.output):
        digest.update(len(parts).to_bytes(8, "little"))
        for part in parts:
            content = part.SerializeToString(deterministic=True)
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


def seal(proto: Any) -> None:
    """Writes the checksum of a model into its metadata."""
    proto.metadata_props.add(key=KEY, value=checksum_of(proto.graph))


def verify(proto: Any) -> None:
    """Raises ValueError if a model has a checksum, and it is of another content."""
    for one in proto.metadata_props:
        if one.key == KEY and one.value != checksum_of(proto.graph):
            raise ValueError(
                f"checksum: damaged, or changed by another program, which has kept {KEY} in the metadata:"
                f" expected {one.value:.80}"
            )
