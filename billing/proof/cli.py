"""`plainbill-verify proof.zip`: recomputes an invoice offline. Exit 0: all is right; 1: it is not; 2: no proof."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from billing.pricing.money import exact
from billing.proof.archive import EVENTS, INVOICE, RULES, TERMS, opened
from billing.proof.check import Check, check
from billing.proof.documents import read_proof
from billing.proof.events import MAX_LINE, read_events
from billing.proof.reading import NotAProof
from billing.proof.report import printable, report

USAGE: Final = "usage: plainbill-verify proof.zip"
RIGHT, WRONG, NO_PROOF = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. The proof's hash is printed too: it names exactly this evidence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1 or given[0].startswith("-"):
        print(USAGE, file=sys.stdout if given in (["--help"], ["-h"]) else sys.stderr)
        return RIGHT if given in (["--help"], ["-h"]) else NO_PROOF
    try:
        found, sha256 = checked(Path(given[0]))
        with exact():
            lines = [*report(found), f"SHA-256 of the proof: {sha256}"]
    except NotAProof as error:
        print(f"{given[0]} is no proof: {printable(str(error))}", file=sys.stderr)
        return NO_PROOF
    print("\n".join(lines))
    return RIGHT if found.holds else WRONG


def checked(path: Path) -> tuple[Check, str]:
    """The proof at `path`, recomputed, and its SHA-256. Raises `NotAProof`."""
    with opened(path) as archive:
        proof = read_proof(*(archive.document(name) for name in (INVOICE, TERMS, RULES)))
        if proof.document.number != archive.number:
            raise NotAProof("invoice.json is not the invoice that manifest.json names.")
        try:
            return check(proof, read_events(archive.lines(EVENTS, MAX_LINE), proof)), archive.sha256
        except (ArithmeticError, LookupError, MemoryError) as error:
            raise NotAProof("its numbers cannot be priced.") from error
        except ValueError as error:
            raise error if isinstance(error, NotAProof) else NotAProof(str(error)[:300]) from error


if __name__ == "__main__":
    sys.exit(main())
