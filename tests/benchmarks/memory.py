"""Whether the server's memory stays as it is, however many events go through it."""

from collections.abc import Iterator

from tests.benchmarks.events import Maker
from tests.benchmarks.measure import Row, figure
from tests.benchmarks.posting import sending_headers
from tests.benchmarks.sender import request, send
from tests.benchmarks.servers import product

SENDERS = 4
BATCH = 1_000
PARTS = 10
"""After so many equal parts of the events the memory is read; growth is from the second reading to the last."""


def rows(codes: list[str], total: int) -> Iterator[Row]:
    """Resident memory of the one process that answers, while `total` events are posted."""
    headers, maker = sending_headers(), Maker(codes, "memory")
    requests = max(1, total // PARTS // BATCH // SENDERS)
    with product() as server:
        found = list[float]()
        for _ in range(PARTS):
            send(
                server.port,
                [
                    [request("/api/v1/events", maker.body(BATCH), headers) for _ in range(requests)]
                    for _ in range(SENDERS)
                ],
            )
            found.append(server.memory())
    posted = requests * BATCH * SENDERS * PARTS
    note = f"{posted:,} events; MiB: " + " ".join(f"{each:.0f}" for each in found)
    yield figure(
        "server memory while events are posted, growth", "x", [found[-1] / found[1]], ("<=", 1.1), note
    )
