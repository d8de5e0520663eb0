"""A host's own look: accent, font and logo over the portal's tokens (static/css/portal.css, layer theme).

Pure. A colour that cannot be read on the portal's grounds is refused: text needs a contrast of 4.5 (WCAG 2.2, success
criterion 1.4.3), by the relative luminance that WCAG defines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

AA: Final = 4.5
GROUNDS: Final = {
    "light": ("#FBFBFA", "#FFFFFF", "#F1F2F0"),
    "dark": ("#0F1115", "#171A20", "#0B0D10"),
}
"""--bg, --surface and --sunken of both themes."""
TOWARDS: Final = {"light": "#000000", "dark": "#FFFFFF"}
INKS: Final = ("#FFFFFF", "#0F1115")
"""What may stand on the accent."""
HOVER: Final = 0.22
LOGOS: Final = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
LOGO_BYTES: Final = 100_000
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_FONT: Final = re.compile(r"[\w \"',-]{1,200}")


@dataclass(frozen=True)
class Theme:
    """`accent`: none, one colour, or one for each theme, light first. `logo`: a file, or "" for the portal's sign."""

    accent: tuple[str, ...] = ()
    font: str = ""
    logo: str = ""

    @property
    def any(self) -> bool:
        """Whether the portal's own style sheet is not all."""
        return bool(self.accent or self.font)


def faults(theme: Theme) -> Iterator[str]:
    """What does not do, each with the variable's name and how to mend it."""
    wrong = [colour for colour in theme.accent if not _COLOUR.fullmatch(colour)]
    if wrong or len(theme.accent) > 2:
        yield "BRAND_ACCENT is no colour: write #1F5FBF, or two between commas, for the light theme and the dark."
    elif theme.accent:
        for name, colour in zip(GROUNDS, theme.accent, strict=False):
            yield from _unreadable(name, colour)
    if theme.font and not _FONT.fullmatch(theme.font):
        yield 'BRAND_FONT is no list of fonts: write names between commas, such as "Avenir Next", sans-serif.'
    yield from _logo_faults(theme.logo)


def _unreadable(name: str, colour: str) -> Iterator[str]:
    ground, least = _hardest(name, colour)
    if least < AA:
        better = readable(name, colour)
        yield (
            f"BRAND_ACCENT {colour} has a contrast of {least:.2f} on {ground} in the {name} theme, and text needs "
            f"{AA}: take {better}, the nearest of its shades that has it."
        )


def _logo_faults(logo: str) -> Iterator[str]:
    if not logo:
        return
    file = Path(logo)
    if file.suffix.lower() not in LOGOS:
        yield "BRAND_LOGO is no picture that browsers show: name an .svg, .png or .webp file."
    elif not file.is_file():
        yield f"BRAND_LOGO names {logo}, which is no file: write its whole path."
    elif file.stat().st_size > LOGO_BYTES:
        yield f"BRAND_LOGO is larger than {LOGO_BYTES // 1000} kB, and every page shows it: make it smaller."


def css(theme: Theme) -> str:
    """The style sheet of a theme without faults."""
    rules = []
    if theme.accent:
        light = theme.accent[0]
        dark = theme.accent[1] if len(theme.accent) > 1 else readable("dark", light)
        pair = {"light": light, "dark": dark}
        hover = {name: mixed(colour, TOWARDS[name], HOVER) for name, colour in pair.items()}
        ink = {name: max(INKS, key=lambda one, on=colour: contrast(one, on)) for name, colour in pair.items()}  # type: ignore[misc]
        for token, colours in (("accent", pair), ("accent-hover", hover), ("on-accent", ink)):
            rules.append(f"--{token}: light-dark({colours['light']}, {colours['dark']});")
    if theme.font:
        rules.append(f"--font: {theme.font}, ui-sans-serif, system-ui, sans-serif;")
    return f"@layer theme {{ :root {{ {' '.join(rules)} }} }}\n"


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    parts = (part / 255 for part in _parts(colour))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable(name: str, colour: str) -> str:
    """The colour, or its first shade towards black or white that can be read on every ground of the theme."""
    shades = (mixed(colour, TOWARDS[name], step / 50) for step in range(51))
    return next(shade for shade in shades if _hardest(name, shade)[1] >= AA)


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of the other colour in it."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + (another - one) * share):02X}" for one, another in pairs)


def _hardest(name: str, colour: str) -> tuple[str, float]:
    """The ground that the colour is hardest to read on, and its contrast there."""
    return min(((ground, contrast(colour, ground)) for ground in GROUNDS[name]), key=lambda pair: pair[1])


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
