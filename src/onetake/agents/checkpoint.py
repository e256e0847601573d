"""Saved agents: one safetensors file whose JSON metadata say what it is; read without running any code.

The tensors are the agent's state (``state.<name>``) and the batch that it belongs to (``spec.<name>``). The metadata
hold one entry, ``onetake``: a JSON object with ``format``, ``digest`` (SHA-256 of everything else in the file),
``seed``, ``agent``, ``state_version``, ``settings`` and the rest of the batch. Nothing but numbers and text is stored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save

from onetake.errors import CheckpointError, ConfigError, OutputError
from onetake.types import BatchSpec, CountReward

FORMAT = "onetake-agent/0"


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    Attributes:
        head: class, state version and settings. spec: the batch. seed: of the draws. arrays: the state by name.
    """

    head: dict[str, Any]
    spec: BatchSpec
    seed: int
    arrays: dict[str, NDArray[Any]]


def write(path: Path, head: Mapping[str, Any], spec: BatchSpec, seed: int, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write beside ``path`` and rename, so that a reader never sees half a file.

    Raises:
        ConfigError: if a setting is not plain data.
        OutputError: if the place cannot be written.
    """
    text, spec_arrays = _spec_parts(spec)
    tensors = {f"state.{name}": np.ascontiguousarray(array) for name, array in arrays.items()}
    tensors |= {f"spec.{name}": array for name, array in spec_arrays.items()}
    about: dict[str, Any] = {"format": FORMAT, "seed": seed, "spec": text, **head}
    about["digest"] = digest(about, tensors)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(save(tensors, metadata={"onetake": json.dumps(about, sort_keys=True)}))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: got {error.strerror}; wanted a place that can be written") from error


def read(path: Path) -> Saved:
    """Read and verify a file written by `write`.

    Raises:
        CheckpointError: if it is missing, truncated, tampered with, or of another format.
    """
    try:
        content = path.read_bytes()
        tensors = {name: _array(part) for name, part in safetensors.deserialize(content)}  # type: ignore[no-untyped-call] # no types
        length = int.from_bytes(content[:8], "little")
        about = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["onetake"])
        found, version = about.pop("digest"), about["format"]
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror}; wanted a saved agent") from error
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: got a file that cannot be read ({error}); wanted a saved agent") from error
    if version != FORMAT:
        raise CheckpointError(f"{path}: got format {version!r}; wanted {FORMAT}")
    if found != digest(about, tensors):
        raise CheckpointError(f"{path}: got a file that was changed after it was saved; wanted it untouched")
    state = {name.removeprefix("state."): array for name, array in tensors.items() if name.startswith("state.")}
    spec = _spec_of(about.pop("spec"), {name.removeprefix("spec."): a for name, a in tensors.items()})
    return Saved(about, spec, about.pop("seed"), state)


def digest(about: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of plain data and arrays, the same on every machine and in any order of names.

    Raises:
        ConfigError: if something is not plain data.
    """
    try:
        text = json.dumps(about, sort_keys=True)
    except TypeError as error:
        raise ConfigError(f"settings: got a value that is not plain data ({error}); wanted numbers and text") from error
    whole = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        whole.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        whole.update(array.data)
    return whole.hexdigest()


def spec_digest(spec: BatchSpec) -> str:
    """SHA-256 of a batch: equal for equal ids, actions, rewards and horizon."""
    text, arrays = _spec_parts(spec)
    return digest(text, arrays)


def _spec_parts(spec: BatchSpec) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    text = {
        "env_id": spec.env_id,
        "num_actions": spec.num_actions,
        "observation_names": list(spec.observation_names),
        "horizon": spec.horizon,
        "coupling": spec.coupling,
        "action_labels": list(spec.action_labels),
        "budget": spec.budget,
    }
    names = ("entity_ids", "replicate_ids", "reward_low", "reward_high")
    arrays = {name: np.asarray(getattr(spec, name)) for name in names}
    bounds = {"action_low": spec.action_low, "action_high": spec.action_high}
    arrays |= {name: bound for name, bound in bounds.items() if bound is not None}
    if spec.count_reward is not None:
        arrays |= {name: np.asarray(getattr(spec.count_reward, name)) for name in ("trials", "scale", "offset")}
    return text, arrays


def _spec_of(text: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> BatchSpec:
    count = CountReward(arrays["trials"], arrays["scale"], arrays["offset"]) if "trials" in arrays else None
    return BatchSpec(
        env_id=text["env_id"],
        entity_ids=arrays["entity_ids"],
        replicate_ids=arrays["replicate_ids"],
        num_actions=text["num_actions"],
        observation_names=tuple(text["observation_names"]),
        horizon=text["horizon"],
        reward_low=arrays["reward_low"],
        reward_high=arrays["reward_high"],
        count_reward=count,
        coupling=text["coupling"],
        action_labels=tuple(text["action_labels"]),
        action_low=arrays.get("action_low"),
        action_high=arrays.get("action_high"),
        budget=text["budget"],
    )


def _array(part: Mapping[str, Any]) -> NDArray[Any]:
    kinds = {
        "F64": "<f8",
        "F32": "<f4",
        "I64": "<i8",
        "I32": "<i4",
        "U64": "<u8",
        "U32": "<u4",
        "U8": "u1",
        "BOOL": "?",
    }
    return np.frombuffer(part["data"], dtype=kinds[part["dtype"]]).reshape(part["shape"]).copy()
