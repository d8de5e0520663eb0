"""Pango, which WeasyPrint draws invoices with, is a system library: say which package is missing, in one sentence."""

import ctypes.util
import platform
import shutil

PACKAGES = {
    "apt-get": "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    "dnf": "dnf install pango",
    "brew": "brew install pango",
}


def missing_library() -> str:
    """A sentence that names the package to install, or an empty string when all is there."""
    if all(ctypes.util.find_library(name) for name in ("pango-1.0", "pangoft2-1.0")) or _loads():
        return ""
    known = [command for tool, command in PACKAGES.items() if shutil.which(tool)]
    if not known:
        known = ["brew install pango"] if platform.system() == "Darwin" else list(PACKAGES.values())[:2]
    return (
        f"Invoices are drawn with Pango, which is not installed here. Install it with: {' or: '.join(known)}"
    )


def _loads() -> bool:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True
