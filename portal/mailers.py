"""EMAIL_URL as an entry of Django's MAILERS."""

from typing import Any
from urllib.parse import unquote, urlsplit

import environ

OPTIONS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_FILE_PATH": "file_path",
}

# A mail server that hangs holds up the next try, and nothing else, this long.
SMTP_SECONDS = 15


def mailer(url: str) -> dict[str, Any]:
    """`smtp+tls://user:password@host:587`, `consolemail://`, `filemail:///folder` or `memorymail://`."""
    config = environ.Env.email_url_config(url)
    backend = config["EMAIL_BACKEND"]
    wanted = {"smtp": set(OPTIONS) - {"EMAIL_FILE_PATH"}, "filebased": {"EMAIL_FILE_PATH"}}
    kind = backend.split(".")[-2]
    options = {OPTIONS[key]: config[key] for key in wanted.get(kind, set()) if config.get(key)}
    if kind == "filebased":
        options["file_path"] = unquote(urlsplit(url).path)  # environ drops the slash it begins with
    if kind == "smtp":
        options["timeout"] = SMTP_SECONDS
    return {"BACKEND": backend, "OPTIONS": options} if options else {"BACKEND": backend}
