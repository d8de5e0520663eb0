"""Lighthouse as its command line gives it: mobile by default, with its simulated slow 4G and a processor four times
slower."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import playwright

VERSION: Final = "13.5.0"
LEAST: Final = {"performance": 95, "accessibility": 100, "best-practices": 100}
LCP_MS: Final = 1_500
CLS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Report:
    """`scores` from 0 to 100, `lcp` in ms, `size` in bytes on the wire; `failed` names the audits that cost a score."""

    address: str
    scores: dict[str, float]
    lcp: float
    cls: float
    size: float
    failed: list[str]

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def faults(self) -> list[str]:
        """Which gates are missed."""
        low = [name for name, least in LEAST.items() if self.scores[name] < least]
        late = ["LCP"] if self.lcp > LCP_MS else []
        return [*low, *late, *(["CLS"] if self.cls > CLS else [])]


def install(folder: Path) -> list[str]:
    """What runs it. npm is asked for the one version, and keeps nothing outside of `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing, which Lighthouse is installed by. On Debian: apt-get install npm")
    place = folder / "lighthouse"
    place.mkdir()
    words = [
        npm,
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        f"--prefix={place}",
        f"lighthouse@{VERSION}",
    ]
    subprocess.run(words, check=True, env={**os.environ, "npm_config_cache": str(folder / "npm")})
    node = Path(playwright.__file__).parent / "driver/node"
    return [str(node), str(place / "node_modules/lighthouse/cli/index.js")]


def look(program: list[str], address: str, port: int) -> Report:
    """By the browser that is driven through `port`, with its cookies; Lighthouse empties the cache before each page."""
    words = [
        *program,
        address,
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(LEAST)}",
        f"--port={port}",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    audits = found["audits"]
    assert found["finalDisplayedUrl"] == address, f"{address} led to {found['finalDisplayedUrl']}"
    costly = [
        f"{one['id']} {audits[one['id']].get('displayValue', '')}".strip()
        for name in LEAST
        for one in found["categories"][name]["auditRefs"]
        if one["weight"]
        and (audits[one["id"]]["score"] or 0) < 0.9
        and audits[one["id"]]["score"] is not None
    ]
    return Report(
        address,
        {name: found["categories"][name]["score"] * 100 for name in LEAST},
        audits["largest-contentful-paint"]["numericValue"],
        audits["cumulative-layout-shift"]["numericValue"],
        audits["total-byte-weight"]["numericValue"],
        costly,
    )
