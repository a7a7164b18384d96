"""Makes docs/{settings,redis,metrics}.md and .env.example from the code, so that none can drift from it.

Without arguments it writes them (`make docs`); with the name of one it prints that one (the tests compare).
"""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from app.core.clock import Real
from app.core.keys import KEYS
from app.core.settings import PLANNED, SECRETS, Settings
from app.ops.gauges import Gauges
from app.ops.metrics import Metrics

ROOT = Path(__file__).parents[1]


def table(*rows: tuple[str, ...]) -> str:
    """Rows as a Markdown table, the first being its head."""
    head, *body = (tuple(cell.replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *body))


def described() -> list[tuple[str, str, str]]:
    """Name, default as one would write it in `.env` ("": none) and meaning of all settings, in their order."""
    fields = Settings.model_fields.items()
    return [(name.upper(), _written(it.default), " ".join((it.description or "").split())) for name, it in fields]


def _written(default: object) -> str:
    if default is None or default in ((), frozenset()):
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(default)


def settings() -> str:
    """docs/settings.md."""
    rows = [(f"`{name}`", f"`{default}`" if default else "unset", meaning) for name, default, meaning in described()]
    files = ", ".join(f"`{name}_FILE`" for names in SECRETS.values() for name in names)
    planned = ", ".join(f"`{name}`" for name in PLANNED)
    return f"""# Settings

Made from app/core/settings.py by `make docs`. Lanekeeper reads them once, at its start, from the environment and from
a file `.env` in the directory it is started in; the environment wins. Bad values are named in one clear line each, with
exit code 78.

{table(("name", "default", "meaning"), *rows)}

**Secrets** can be handed over as files, as container platforms do: {files} each name a file that holds the value.

**Reserved** for later releases; setting one is answered with a warning: {planned}.
"""


def example() -> str:
    """.env.example."""
    head = (
        "# Copy to .env and take away the # of what you change. Nothing needs to be set; docs/settings.md says more.\n"
    )
    return head + "".join(f"\n{_comment(meaning)}\n# {name}={default}\n" for name, default, meaning in described())


def _comment(text: str) -> str:
    return textwrap.fill(text, 118, initial_indent="# ", subsequent_indent="# ")


def redis() -> str:
    """docs/redis.md."""
    rows = [(f"`{key.name}`", key.type, key.content, key.life) for key in KEYS]
    return f"""# What stands in Redis

Made from app/core/keys.py by `make docs`. `…` is the prefix of a shard, `lk:{{<bot id>.<shard>}}:`. A shard is a fixed
bucket of chats; its keys share a hash tag, so one script can change them together, in a Cluster too.

{table(("key", "type", "content", "life"), *rows)}

A lane is `<chat>`, or `<chat>:t<topic>` for a topic of a forum; with `!` in front it is the chat's control lane
(commands), with `?` its notice lane. Nothing without an end of life grows with the number of chats.
"""


class Nothing:
    """Endpoints and limits of which there are none."""

    @property
    def ledger(self) -> "Nothing":
        return self

    async def refresh(self) -> None:
        """Nothing is new."""

    async def usage(self, _: object) -> tuple[()]:
        """Nothing is used."""
        return ()

    def report(self) -> tuple[()]:
        return ()


def metrics() -> str:
    """docs/metrics.md."""
    page = Metrics()
    page.show(Gauges(Nothing(), (), Real(), page.asked_with))
    rows = [
        (f"`{found.name}{'_total' * (found.type == 'counter')}`", found.type, found.documentation)
        for found in page.registry.collect()
        if found.name.startswith("lanekeeper_")
    ]
    return f"""# Figures

Made from app/ops/metrics.py and app/ops/gauges.py by `make docs`. `/metrics` (`WEB_HOST`, `WEB_PORT`) shows them in
Prometheus' text form, with the usual `process_…` beside them. Each process shows its own counts; what endpoints, keys
and limits say is of all processes, as of the moment the page is read, or as it was last known while Redis is away.

{table(("name", "kind", "meaning"), *rows)}

`endpoint` is a host (with port and path where several share it), `key` is `…last4 (label)` as in /keys, `unit` requests
or tokens, `window` minute, hour, day or month. There are series for what the settings name, never for people or chats.

How long the month's requests of a key still last, and that a key needs a person:

```
lanekeeper_limit{{scope="key",window="month"}} - lanekeeper_limit_used{{scope="key",window="month"}}
max by (key, state) (lanekeeper_key_state{{state=~"unpaid|refused"}}) == 1
```
"""


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings,
    "docs/redis.md": redis,
    "docs/metrics.md": metrics,
    ".env.example": example,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(PAGES[sys.argv[1]](), end="")
    else:
        for name, page in PAGES.items():
            (ROOT / name).write_text(page())
