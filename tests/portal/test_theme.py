"""A host's own look: what can be read is taken, what cannot is refused with what would do."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from portal.checks.settings import senseless
from portal.theme import AA, GROUNDS, INKS, LOGO_BYTES, Theme, contrast, css, faults, readable
from portal.views import brand
from tests.checks.test_settings import values

CSS = Path(__file__).resolve().parents[2] / "static/css/portal.css"


@pytest.fixture
def fresh() -> Iterator[None]:
    """The look is read once in a process."""
    for kept in (brand.style, brand.logo):
        kept.cache_clear()
    yield
    for kept in (brand.style, brand.logo):
        kept.cache_clear()


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#FFFFFF", 21.0),
        ("#777777", "#FFFFFF", 4.48),
        ("#1F5FBF", "#FFFFFF", 6.1),
        ("#7DB0FF", "#171A20", 7.9),
    ],
)
def test_contrast_is_wcags(one: str, other: str, ratio: float) -> None:
    """The first two by WCAG's own examples, the others by the table of the design."""
    assert round(contrast(one, other), 2 if ratio == 4.48 else 1) == ratio
    assert contrast(one, other) == contrast(other, one)


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    tokens = dict(re.findall(r"--(bg|surface|sunken): light-dark\((#\w+, #\w+)\)", CSS.read_text()))
    pairs = [tokens[name].split(", ") for name in ("bg", "surface", "sunken")]
    assert [tuple(column) for column in zip(*pairs, strict=True)] == [GROUNDS["light"], GROUNDS["dark"]]


@pytest.mark.parametrize("accent", [(), ("#1F5FBF",), ("#1F5FBF", "#7DB0FF"), ("#7A1FA2",)])
def test_what_can_be_read_is_taken(accent: tuple[str, ...]) -> None:
    theme = Theme(accent, '"Avenir Next", sans-serif')
    assert list(faults(theme)) == []
    for name, colour in zip(
        ("light", "dark"),
        re.findall(r"--accent: light-dark\((#\w+), (#\w+)\)", css(theme))[0] if accent else (),
        strict=False,
    ):
        assert all(contrast(colour, ground) >= AA for ground in GROUNDS[name])
        assert max(contrast(colour, ink) for ink in INKS) >= AA


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        (Theme(("#FFCC00",)), "on #F1F2F0 in the light theme"),
        (Theme(("#1F5FBF", "#1F5FBF")), "on #171A20 in the dark theme"),
        (Theme(("blue",)), "is no colour"),
        (Theme(("#1F5FBF",) * 3), "is no colour"),
        (Theme(font="x; } body { display: none"), "BRAND_FONT"),
        (Theme(logo="/nowhere/logo.svg"), "is no file"),
        (Theme(logo="logo.exe"), "no picture"),
    ],
)
def test_what_cannot_is_refused_before_anything_starts(theme: Theme, words: str) -> None:
    (sentence,) = senseless(values(THEME=theme))
    assert words in sentence


def test_the_shade_that_is_named_would_do() -> None:
    (sentence,) = faults(Theme(("#FFCC00",)))
    better = re.search(r"take (#\w+)", sentence)[1]
    assert better == readable("light", "#FFCC00")
    assert list(faults(Theme((better,)))) == []


def test_a_logo_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"x" * (LOGO_BYTES + 1))
    assert "larger" in next(faults(Theme(logo=str(file))))


def test_pages_wear_it(fresh: None, db: None, tmp_path: Path) -> None:
    file = tmp_path / "logo.svg"
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    with override_settings(THEME=Theme(("#7A1FA2",), logo=str(file))):
        page = Client().get("/accounts/login/").text
        sheet, picture = (
            re.search(r'href="(/brand/theme.css[^"]*)"', page)[1],
            re.search(r'src="(/brand/logo[^"]*)"', page)[1],
        )
        style, logo = Client().get(sheet), Client().get(picture)
    assert "--accent: light-dark(#7A1FA2" in style.text
    assert "immutable" in style.headers["Cache-Control"]
    assert logo.content == file.read_bytes()
    assert logo.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in logo.headers["Content-Security-Policy"]
    assert "sandbox" in logo.headers["Content-Security-Policy"]


def test_without_one_there_is_none(fresh: None, db: None) -> None:
    assert "/brand/" not in Client().get("/accounts/login/").text
    assert Client().get("/brand/theme.css").status_code == Client().get("/brand/logo").status_code == 404
