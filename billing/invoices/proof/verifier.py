"""`plainbill-verify.pyz`: the verifier as one file for who has Python and no more, made of the code that runs here."""

import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import billing

_ROOT: Final = Path(billing.__file__).parent
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

PURE: Final = ("pricing/**/*.py", "proof/*.py", "usage/days.py", "usage/values.py")
"""What a proof is checked by; import rules keep it free of Django (pyproject.toml)."""

START: Final = """\
import sys

if sys.version_info < (3, 13):
    sys.exit("plainbill-verify needs Python 3.13 or newer; this is " + sys.version.split()[0] + ".")

from billing.proof.cli import main

sys.exit(main())
"""


@cache
def verifier() -> bytes:
    """The file: the same bytes from the same sources."""
    names = {path for pattern in PURE for path in _ROOT.glob(pattern)}
    packages = {path.parent for path in names} | {_ROOT}
    sources = names | {package / "__init__.py" for package in packages}
    made = BytesIO()
    made.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", START)
        for path in sorted(sources):
            _add(archive, path.relative_to(_ROOT.parent).as_posix(), path.read_text(encoding="utf-8"))
    return made.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: str) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    archive.writestr(info, content.encode())
