"""The command line: what may be said to `lanekeeper`. Settings come from the environment and `.env`."""

from __future__ import annotations

import argparse

from app.ops import capacity


def parser(version: str) -> argparse.ArgumentParser:
    """Reads the verbs and their options; ``verb`` names the one that was given."""
    made = argparse.ArgumentParser("lanekeeper", description="A Telegram bot that talks with a language model.")
    made.add_argument("--version", action="version", version=f"lanekeeper {version}")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="run|status|check|capacity")
    run = verbs.add_parser("run", help="run the bot; with nothing set, a demo with a chat page of its own")
    run.add_argument("--role", choices=("all", "ingress", "worker"), default="all", help="what this process does")
    run.add_argument("--shard-ids", dest="shards", type=shard_ids, metavar="0,1,2", help="serve only these shards")
    verbs.add_parser("status", help="say how the bot is")
    verbs.add_parser("check", help="say in plain words what is wrong with the settings and what they name")
    capacity.add(verbs)
    return made


def shard_ids(text: str) -> frozenset[int]:
    """The value of --shard-ids."""
    return frozenset(int(part) for part in text.split(","))
