"""Our style sheet and scripts as gzip, where no proxy in front does it."""

import gzip
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from whitenoise.middleware import WhiteNoiseMiddleware

KINDS: Final = ("text/", "application/json", "image/svg+xml")
LARGEST: Final = 2_000_000
"""Bytes of a file; none of ours is larger."""


_found: Callable[..., Any] = WhiteNoiseMiddleware.serve


class CompressedFiles(WhiteNoiseMiddleware):
    """WhiteNoise, which finds the files and says how long they may be kept."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> Any:  # type: ignore[override]
        response = _found(static_file, request)
        if not response.headers.get("Content-Type", "").startswith(KINDS):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if response.status_code != 200 or request.method != "GET" or not _takes_gzip(request):
            return response
        path = Path(response.file_to_stream.name)
        if path.stat().st_size > LARGEST:
            return response
        response.close()
        return _small(response, path)


def _takes_gzip(request: HttpRequest) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "") and "Range" not in request.headers


def _small(response: Any, path: Path) -> HttpResponse:
    """The file as gzip. Told apart from the bare one by its time alone: an ETag would have to be another."""
    small = HttpResponse(_compressed(path, path.stat().st_mtime_ns), headers=dict(response.headers))
    small.headers["Content-Encoding"] = "gzip"
    small.headers["Content-Length"] = str(len(small.content))
    del small.headers["ETag"]
    return small


@lru_cache(maxsize=64)
def _compressed(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)
