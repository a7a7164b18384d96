"""Personas: what is shipped, what an owner may write, and what he hears when it cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.model.persona import SHIPPED, load, read

GOOD = 'name = "Tester"\nabout = "Tests"\ngreeting = "Hi, I am {name}."\nsystem_prompt = "Test."\n'


def refused(folder: Path, *lines: str, name: str = "mine.toml") -> str:
    """The one line about a file of these lines."""
    (folder / name).write_text("\n".join(lines))
    with pytest.raises(SettingsError) as caught:
        load("assistant", (), folder)
    (line,) = caught.value.lines
    return line


def test_three_are_shipped_and_the_first_is_the_plain_assistant_without_example_turns() -> None:
    cast = load("assistant")
    assert list(cast.personas) == ["assistant", "keeper", "tutor"]
    assert cast.default.examples == ()
    assert cast.default.params == ()
    assert "Answer in the language of the person" in cast.default.system
    assert all(one.about and one.greeting and one.system for one in cast.personas.values())


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_what_is_shipped_reads_well_on_a_phone(path: Path) -> None:
    one = read(path)
    assert len(one.about) < 80
    assert len(one.greeting) < 300
    roles = [said["role"] for said in one.examples]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert "\n\n\n" not in one.system


def test_an_own_persona_joins_them_or_takes_the_place_of_one(tmp_path: Path) -> None:
    parameters = '[[examples]]\nquestion = "q"\nanswer = "a"\n[parameters]\ntemperature = 1\nmax_tokens = 50\n'
    (tmp_path / "mine.toml").write_text(GOOD + parameters)
    (tmp_path / "tutor.toml").write_text(GOOD)
    cast = load("mine", (), tmp_path)
    assert list(cast.personas) == ["mine", "assistant", "keeper", "tutor"]
    mine = cast.default
    assert (mine.key, mine.name, mine.hello("Lane")) == ("mine", "Tester", "Hi, I am Lane.")
    assert mine.examples == ({"role": "user", "content": "q"}, {"role": "assistant", "content": "a"})
    assert (mine.params, mine.max_tokens) == ((("temperature", 1.0),), 50)
    assert cast.of("tutor").name == "Tester"


def test_what_hides_or_reorders_is_taken_out_of_what_a_persona_says(tmp_path: Path) -> None:
    hidden = GOOD.replace('"Tester"', '" Te\\u202Est\\u0007er "').replace('"Tests"', '"Te\\u2028sts\\U000E0041"')
    (tmp_path / "mine.toml").write_text(hidden.replace("Hi, I", "Hi,\\n\\u2066I").replace('"Test."', '"Te\\u0000st."'))
    mine = load("mine", (), tmp_path).default
    assert (mine.name, mine.about, mine.greeting, mine.system) == ("Tester", "Te sts", "Hi,\nI am {name}.", "Test.")


def test_folders_and_hidden_files_are_no_personas(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    (tmp_path / "old.toml").mkdir()
    for name in (".mine.toml", "._mine.toml", ".toml"):
        (tmp_path / name).write_bytes(b"\x00\xff")
    assert list(load("mine", (), tmp_path).personas) == ["mine", "assistant", "keeper", "tutor"]


def test_only_those_on_the_list_are_offered_and_the_default_always_is() -> None:
    assert list(load("assistant", ("Keeper",)).personas) == ["assistant", "keeper"]


def test_a_choice_that_is_offered_no_more_is_the_default() -> None:
    cast = load("assistant", ("keeper",))
    assert [cast.of(key).key for key in ("", "keeper", "tutor", "gone")] == [
        *("assistant", "keeper", "assistant", "assistant")
    ]


def test_the_setting_replaces_the_prompt_of_the_default_persona_and_no_other() -> None:
    cast = load("assistant", (), None, "Only rhymes.")
    assert cast.default.system == cast.of("assistant").system == "Only rhymes."
    assert "rhymes" not in cast.of("tutor").system


class TestBadFiles:
    def test_a_misspelt_field_is_named(self, tmp_path: Path) -> None:
        assert refused(tmp_path, GOOD, "gretting = 1") == "persona mine.toml: there is no field `gretting`"

    def test_a_missing_field_is_named_with_its_place(self, tmp_path: Path) -> None:
        line = refused(tmp_path, GOOD, "[[examples]]", 'question = "q"')
        assert line == "persona mine.toml: examples 1: missing required field `answer`"

    @pytest.mark.parametrize(
        "field, words",
        [
            ("temperature = 7", "temperature"),
            ("temperature = nan", "temperature"),
            ("max_tokens = 0", "max_tokens"),
            ("top_k = 3", "top_k"),
            ('temperature = "hot"', "temperature"),
        ],
    )
    def test_a_parameter_that_no_endpoint_takes_is_named(self, field: str, words: str, tmp_path: Path) -> None:
        assert words in refused(tmp_path, GOOD, "[parameters]", field)

    def test_what_is_no_toml_is_said_to_be_none(self, tmp_path: Path) -> None:
        assert "it is no TOML" in refused(tmp_path, "name = ")

    @pytest.mark.parametrize("field", ["name", "about", "greeting", "system_prompt"])
    @pytest.mark.parametrize("text", [" ", "\\u200b\\u202e", "\\u2066\\u00a0\\ufe0f", "\\u3164\\u2800", "\\U000E0041"])
    def test_what_nobody_can_see_is_refused_by_its_name(self, field: str, text: str, tmp_path: Path) -> None:
        bad = re.sub(rf"(?m)^{field} = .*$", lambda _: f'{field} = "{text}"', GOOD)
        assert refused(tmp_path, bad).startswith(f"persona mine.toml: {field} must not be empty")

    def test_a_name_of_several_lines_would_spoil_the_list(self, tmp_path: Path) -> None:
        assert "one line" in refused(tmp_path, GOOD.replace('"Tests"', '"Te\\nsts"'))

    def test_an_empty_prompt_is_refused(self, tmp_path: Path) -> None:
        assert "empty" in refused(tmp_path, GOOD.replace('"Test."', '" "'))

    def test_a_file_whose_name_nobody_can_type_is_refused(self, tmp_path: Path) -> None:
        assert "one word" in refused(tmp_path, GOOD, name="My Own.toml")

    def test_every_bad_file_gets_a_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_bytes(b"\xff")
        (tmp_path / "b.toml").write_text("name = ")
        with pytest.raises(SettingsError) as caught:
            load("assistant", (), tmp_path)
        assert [line.split(":")[0] for line in caught.value.lines] == ["persona a.toml", "persona b.toml"]


def test_a_name_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    for default, offered, setting in (("pirate", (), "PERSONA=pirate"), ("tutor", ("pirate",), "PERSONAS=pirate")):
        with pytest.raises(SettingsError) as caught:
            load(default, offered)
        assert caught.value.lines == [f"{setting}: there is no such persona; there are assistant, keeper, tutor"]
    with pytest.raises(SettingsError, match="there is no such folder"):
        load("assistant", (), tmp_path / "nowhere")
