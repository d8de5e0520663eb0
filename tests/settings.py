"""The product's settings, with the environment of the test run set before they are read."""

import tests.environment  # noqa: F401  # must come first
from portal.settings import *  # noqa: F403

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
]  # speed; the real one is Django's default
