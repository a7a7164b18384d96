"""Who the bot is: personas as TOML files, those that are shipped and those of PERSONAS_DIR.

A persona goes by its file's name. A file that cannot be used is a SettingsError with one line, at start and not when
somebody first asks for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec

from app.core.errors import SettingsError
from app.core.text import blank, clean
from app.core.tongue import translated
from app.model.base import Message

SHIPPED = Path(__file__).with_name("personas")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]


class _Example(msgspec.Struct, forbid_unknown_fields=True):
    question: _Text
    answer: _Text


class _Parameters(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Fields of the chat completions format; what is not given is left to the endpoint."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    seed: int | None = None
    reasoning_effort: _Line | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: _Line
    about: _Line
    greeting: _Text
    system_prompt: _Text
    examples: list[_Example] = []
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


@dataclass(frozen=True, slots=True)
class Persona:
    """One of them. ``key`` is what /persona calls it, ``name`` what it calls itself; ``{name}`` in ``greeting`` is the
    bot's. ``max_tokens`` 0: as MODEL_MAX_TOKENS says."""

    key: str
    name: str
    about: str
    greeting: str
    system: str
    examples: tuple[Message, ...] = ()
    params: tuple[tuple[str, float | int | str], ...] = ()
    max_tokens: int = 0

    def hello(self, bot: str) -> str:
        """The greeting of a bot of this name; that of a shipped persona in the language that is spoken."""
        return translated(self.greeting).replace("{name}", bot)


@dataclass(frozen=True, slots=True)
class Cast:
    """All that a chat may choose from, in order, and who answers where nobody has chosen."""

    personas: Mapping[str, Persona]
    default: Persona

    def of(self, chosen: str) -> Persona:
        """The persona of a chat; a choice that is offered no more is the default."""
        return self.personas.get(chosen, self.default)


def load(default: str, offered: Sequence[str] = (), folder: Path | None = None, system_prompt: str = "") -> Cast:
    """Read all personas; ``offered`` empty offers all, ``system_prompt`` replaces that of the default persona.

    Raises SettingsError with one line for each file and each name that cannot be used.
    """
    lines: list[str] = []
    found = _folder(SHIPPED, lines)
    if folder is not None and not folder.is_dir():
        lines.append(f"PERSONAS_DIR={folder}: there is no such folder")
    elif folder is not None:
        found |= _folder(folder, lines)
    names = ", ".join(found)
    for setting, key in (("PERSONA", default), *(("PERSONAS", one) for one in offered)):
        if key.lower() not in found and not lines:
            lines.append(f"{setting}={key}: there is no such persona; there are {names}")
    if lines:
        raise SettingsError(lines)
    first = found[default.lower()]
    if system_prompt:
        first = replace(first, system=system_prompt)
    chosen = [one.lower() for one in offered] or list(found)
    return Cast({key: found[key] for key in dict.fromkeys([first.key, *chosen])} | {first.key: first}, first)


def read(path: Path) -> Persona:
    """One file; raises ValueError with a sentence."""
    if not _NAME.fullmatch(path.stem):
        raise ValueError("the file's name must be one word of a-z, 0-9, - and _")
    try:
        made = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise ValueError(error.strerror or "it cannot be read") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise ValueError(_plain(str(error))) from None
    except msgspec.DecodeError as error:
        raise ValueError(f"it is no TOML: {error}") from None
    given = {name: value for name, value in msgspec.structs.asdict(made.parameters).items() if value is not None}
    if not all(math.isfinite(value) for value in given.values() if isinstance(value, float)):
        raise ValueError("a parameter is no finite number")
    longest = given.pop("max_tokens", 0)
    examples: list[Message] = []
    for one in made.examples:
        examples += ({"role": "user", "content": one.question}, {"role": "assistant", "content": one.answer})
    told = {field: clean(getattr(made, field)) for field in ("name", "about", "greeting", "system_prompt")}
    if "\n" in told["name"] + told["about"]:
        raise ValueError("name and about must be one line each")
    if unseen := [field for field, text in told.items() if blank(text)]:
        raise ValueError(f"{' and '.join(unseen)} must not be empty: nobody can see anything of it")
    name, about = (" ".join(told[field].split()) for field in ("name", "about"))
    return Persona(
        path.stem,
        name,
        about,
        told["greeting"],
        told["system_prompt"],
        tuple(examples),
        tuple(given.items()),
        int(longest),
    )


def _folder(folder: Path, lines: list[str]) -> dict[str, Persona]:
    found = {}
    for path in sorted(path for path in folder.glob("[!.]*.toml") if not path.is_dir()):
        try:
            found[path.stem] = read(path)
        except ValueError as error:
            lines.append(f"persona {path.name}: {error}")
    return found


def _plain(error: str) -> str:
    """msgspec's sentence in the words of a file: `Object missing required field `name` - at `$.examples[0]``."""
    sentence, _, place = error.partition(" - at `$")
    place = place.strip("`.")
    where = re.sub(r"\[(\d+)\]", lambda found: f" {int(found[1]) + 1}", place)
    text = sentence.replace("Object contains unknown field", "there is no field").replace("Object missing", "missing")
    return f"{where}: {text}" if where else text
