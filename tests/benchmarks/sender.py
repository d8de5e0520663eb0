"""A client that costs little: requests made beforehand, sent over kept-open sockets by a process of its own."""

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(connection: socket.socket, message: bytes) -> bytes:
    """Send one request and read its answer; AssertionError unless its status is 2xx."""
    connection.sendall(message)
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    assert answer[9:10] == b"2", answer
    return body


def send(port: int, queues: Sequence[Sequence[bytes]]) -> float:
    """Send each queue over a connection of its own, all at once; the seconds until the last answer."""
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in queues]
    failures: list[BaseException] = []

    def work(connection: socket.socket, messages: Sequence[bytes]) -> None:
        try:
            for message in messages:
                exchange(connection, message)
        except BaseException as error:  # told by the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(connections, queues, strict=True)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - start
    for connection in connections:
        connection.close()
    if failures:
        raise failures[0]
    return taken
