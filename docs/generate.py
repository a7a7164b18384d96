"""Makes docs/settings.md and .env.example from the settings, docs/redis.md from the keys: none can drift from the code.

Without arguments it writes them (`make docs`); with the name of one it prints that one (the tests compare).
"""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from app.core.keys import KEYS
from app.core.settings import PLANNED, SECRETS, Settings

ROOT = Path(__file__).parents[1]


def table(*rows: tuple[str, ...]) -> str:
    """Rows as a Markdown table, the first being its head."""
    head, *body = (tuple(cell.replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *body))


def written(default: object) -> str:
    """A default as one would write it in `.env`; empty for none."""
    if default is None or default in ((), frozenset()):
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def described() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting."""
    return [
        (name.upper(), written(field.default), " ".join((field.description or "").split()))
        for name, field in Settings.model_fields.items()
    ]


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
    return head + "".join(
        f"\n{textwrap.fill(meaning, 118, initial_indent='# ', subsequent_indent='# ')}\n# {name}={default}\n"
        for name, default, meaning in described()
    )


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


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings,
    "docs/redis.md": redis,
    ".env.example": example,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(PAGES[sys.argv[1]](), end="")
    else:
        for name, page in PAGES.items():
            (ROOT / name).write_text(page())
