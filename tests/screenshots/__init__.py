"""The pictures of docs/screenshots.md, made anew: `uv run python -m tests.screenshots`."""
