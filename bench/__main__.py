"""``make bench``: both comparisons in one run, each side by side, two to three minutes. Read the ratios (README.md)."""

from __future__ import annotations

import argparse
import time

from bench import http, spine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=3000, help="questions to each bot in a round")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    print("HTTP of one update (a model request and a sendMessage), CPU of the client", flush=True)
    http.compare(list(http.EVERY), options.updates, 1)
    print("\nThe whole way, from getUpdates to the answer, CPU of the bot", flush=True)
    spine.compare(options.updates, options.rounds)
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
