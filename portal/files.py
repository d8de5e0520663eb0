"""Files that are made when they are asked for and may be large: sent part by part, from the disk."""

from typing import IO, Final

from django.http import FileResponse

PART: Final = 256 * 1024
"""Bytes sent at once; each part costs a change of threads (docs/adr/0007-a-request-in-one-thread.md)."""


def download(file: IO[bytes], name: str, media_type: str) -> FileResponse:
    """The file under a name; it is closed when it was sent, or when its reader is gone."""
    response = FileResponse(file, as_attachment=True, filename=name, content_type=media_type)
    response.block_size = PART
    return response
