"""Files that take an account's documents and usage to other programs. All are streamed: see `reading.py`."""
