"""A NamedTuple as a JSON object and back: what is kept by this version, by others, and what is none of ours."""

import json
from enum import Enum
from typing import Annotated, Any, NamedTuple

import pytest

from docker_credential_harbor.outside.json_record import LARGEST_NUMBER, as_json, of_json

OUT_OF_RANGE = "^a number in it is out of range$"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(NamedTuple):
    text: str
    colour: Colour = Colour.RED


class Outer(NamedTuple):
    name: str
    at: Annotated[float, "an instant"]
    times: int = 0
    is_so: bool = False
    note: str | None = None
    inner: Inner | None = None
    texts: tuple[str, ...] = ()
    pairs: tuple[tuple[str, float], ...] = ()
    inners: tuple[Inner, ...] = ()


WHOLE = Outer("n", 1.5, 2, True, "x", Inner("t", Colour.BLUE), ("a", "b"), (("c", 2.5),), (Inner("d"), Inner("e")))
LEAST = {"name": "n", "at": 1}


@pytest.mark.parametrize("value", [WHOLE, Outer("n", 0.0), Outer("", -3.0, inner=Inner(""))])
def test_it_comes_back(value: Outer) -> None:
    assert of_json(Outer, json.loads(json.dumps(as_json(value)))) == value


def test_as_what_it_is_kept() -> None:
    assert as_json(WHOLE) == {
        "name": "n",
        "at": 1.5,
        "times": 2,
        "is_so": True,
        "note": "x",
        "inner": {"text": "t", "colour": "blue"},
        "texts": ["a", "b"],
        "pairs": [["c", 2.5]],
        "inners": [{"text": "d", "colour": "red"}, {"text": "e", "colour": "red"}],
    }


def test_what_is_missing_has_its_default_and_what_is_not_known_is_left_aside() -> None:
    assert of_json(Outer, {**LEAST, "inner": {"text": "t", "later": 1}, "later": [{}]}) == Outer(
        "n", 1.0, inner=Inner("t")
    )


@pytest.mark.parametrize("data", [None, [], "name", 1, [["name", "n"], ["at", 1]]])
def test_no_object(data: Any) -> None:
    with pytest.raises(TypeError):
        of_json(Outer, data)


@pytest.mark.parametrize("lacking", LEAST)
def test_what_has_no_default_must_be_there(lacking: str) -> None:
    with pytest.raises(LookupError):
        of_json(Outer, {name: value for name, value in LEAST.items() if name != lacking})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", 1), ("name", None), ("name", ["n"])],
        *[("at", None), ("at", []), ("at", {})],
        *[("times", "2"), ("times", 2.0), ("times", True), ("times", None)],
        *[("is_so", 1), ("is_so", "yes"), ("is_so", None)],
        *[("note", 1), ("note", [])],
        *[("inner", "t"), ("inner", []), ("inner", 0), ("inner", {"text": 1})],
        *[("texts", "ab"), ("texts", None), ("texts", {"a": 1}), ("texts", ["a", 1])],
        *[("pairs", ["ab"]), ("pairs", [["c", None]])],
        *[("inners", [None]), ("inners", {"text": "t"})],
    ],
)
def test_of_another_type(field: str, value: Any) -> None:
    with pytest.raises(TypeError):
        of_json(Outer, {**LEAST, field: value})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("at", "soon", "^could not convert string to float: 'soon'$"),
        ("at", LARGEST_NUMBER, OUT_OF_RANGE),
        ("at", -LARGEST_NUMBER, OUT_OF_RANGE),
        ("at", float("nan"), OUT_OF_RANGE),
        ("at", float("inf"), OUT_OF_RANGE),
        ("times", int(LARGEST_NUMBER), OUT_OF_RANGE),
        ("pairs", [["c", 1, 2]], "is longer"),
        ("pairs", [["c"]], "is shorter"),
        ("inner", {"text": "t", "colour": "green"}, "^'green' is not a valid Colour$"),
    ],
)
def test_of_another_value(field: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        of_json(Outer, {**LEAST, field: value})


@pytest.mark.parametrize("data", [{"at": -1}, {"times": -1}, {"pairs": [["c", -0.5]]}])
def test_numbers_below_the_least(data: dict[str, Any]) -> None:
    """In what is nested, too."""
    assert of_json(Outer, {**LEAST, **data})
    with pytest.raises(ValueError, match=OUT_OF_RANGE):
        of_json(Outer, {**LEAST, **data}, least=0)
    assert of_json(Outer, {**LEAST, "at": 0}, least=0).at == 0
