"""What this process holds of a tensor that lies in several, as ``fully_shard`` (FSDP2) leaves them.

What is in shards is recorded by every process where it belongs, with 0 where others hold it: so the
whole is the sum over the processes, which :mod:`whygrad.record.merging` takes. Nothing is asked of
another process while the model trains, which might not answer.
"""

import sys
from typing import Any

from torch import Tensor

from whygrad.capture.torch_private import first_place


def is_sharded(tensor: Tensor) -> bool:
    """Return whether a tensor may lie in several processes."""
    together: Any = sys.modules.get("torch.distributed.tensor")  # who has one has imported it
    return together is not None and isinstance(tensor, together.DTensor)


def is_part(tensor: Any) -> bool:
    """Return whether this process holds a part only of a tensor."""
    return is_sharded(tensor) and tensor.device_mesh.size() > 1


def is_whole_in_passes(tensor: Any) -> bool:
    """Return whether a shard is one of FSDP2's: along one axis, of equal copies if of several.

    Others, of tensor parallelism, stay shards while the model computes with them.
    """
    *others, last = tensor.placements
    return last.is_shard() and all(one.is_replicate() for one in others)


def held(tensor: Any) -> Tensor:
    """Return what this process holds of a tensor."""
    return tensor.to_local() if is_sharded(tensor) else tensor


def placed(tensor: Any) -> Tensor:
    """Return a tensor in its whole shape, with 0 where another process holds it.

    What several processes hold alike is the first one's.
    """
    if not is_sharded(tensor):
        return tensor
    local = held(tensor)
    whole = local.new_zeros(tensor.shape)
    if _is_first(tensor) and local.numel():
        begins = zip(first_place(tensor), local.shape, strict=True)
        whole[tuple(slice(at, at + size) for at, size in begins)] = local
    return whole


def _is_first(tensor: Any) -> bool:
    """Return whether no process before this one holds the same."""
    at = tensor.device_mesh.get_coordinate()
    kinds = zip(tensor.placements, at or (), strict=False)
    return at is not None and not any(kind.is_replicate() and place for kind, place in kinds)
