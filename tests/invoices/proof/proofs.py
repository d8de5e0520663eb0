"""Proofs of real documents, checked as a customer does: a program of its own, and the file."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from billing.invoices.models import Invoice
from billing.invoices.proof import proof_file, verifier
from billing.proof.archive import MANIFEST, PARTS, canonical, manifest
from billing.proof.reading import json_value

# Refuses all that the verifier must do without, in a Python that sees neither this folder nor its environment.
ALONE = """
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("django", "psycopg", "accounts", "portal", "msgspec", "yaml"):
            raise ImportError(f"{name} was asked for")
sys.meta_path.insert(0, Refusing())
sys.argv = sys.argv[1:]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def save(invoice: Invoice, folder: Path) -> Path:
    path = folder / f"{invoice.number}.zip"
    with proof_file(invoice) as file:
        path.write_bytes(file.read())
    return path


def run(proof: Path, folder: Path) -> tuple[int, str]:
    """Exit code and what was said, by the file that the portal gives out."""
    program = folder / "plainbill-verify.pyz"
    if not program.exists():
        program.write_bytes(verifier())
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(program), str(proof)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert bool(done.stderr) == (done.returncode == 2), done.stderr
    return done.returncode, done.stdout + done.stderr


def parts_of(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(parts: Mapping[str, bytes], path: Path) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def consistent(parts: Mapping[str, bytes], path: Path) -> Path:
    """The parts with a manifest that fits them: what somebody does who wants to deceive."""
    import hashlib

    number = json_value(parts[MANIFEST], MANIFEST)["invoice"]
    hashes = {name: (len(parts[name]), hashlib.sha256(parts[name]).hexdigest()) for name in PARTS}
    kept = {name: parts[name] for name in PARTS}
    return pack({**kept, MANIFEST: canonical(manifest(number, hashes))}, path)


def forged(proof: Path, part: str, change: Callable[[Any], Any]) -> Path:
    """The proof with another value in a JSON part, and a manifest that fits."""
    parts = parts_of(proof)
    value = json_value(parts[part], part)
    changed = change(value)
    return consistent(
        {**parts, part: canonical(value if changed is None else changed)}, proof.with_suffix(".forged.zip")
    )
