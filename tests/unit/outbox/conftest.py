"""A shard of real scripts and the desk before it, as in tests/unit/lanes."""

from tests.unit.lanes.conftest import desk, shard

__all__ = ["desk", "shard"]
