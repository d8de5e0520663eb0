"""Django settings. Environment variables are read in portal/env.py only."""

import decimal
import sys

from portal import env, keys
from portal.checks.refusing import refuse_senseless_settings
from portal.databases import databases
from portal.mailers import mailer

refuse_senseless_settings()

# Python's 28 digits would round a sum of money that is longer, anywhere, without a word. What prices is exact by itself
# (billing.pricing.money.exact); this is for what adds up, negates and shows amounts, in every thread to come.
decimal.DefaultContext.prec = 200
decimal.setcontext(decimal.Context())

BASE_DIR = env.BASE_DIR
DATA_DIR = env.DATA_DIR
PRODUCTION = env.PRODUCTION
DEBUG = env.DEBUG
# None is made up in production, where each process would have to have the same: what serves or works refuses there.
SECRET_KEY = env.SECRET_KEY or ("" if PRODUCTION else keys.development_secret(DATA_DIR))
SECRET_KEY_FALLBACKS = env.SECRET_KEY_FALLBACKS
ALLOWED_HOSTS = env.ALLOWED_HOSTS
SITE_URL = env.SITE_URL
SELLER = env.SELLER
THEME = env.THEME
STRIPE = env.STRIPE
CARD_RETRY_DAYS = env.CARD_RETRY_DAYS
LATE_DAYS = env.LATE_DAYS
EVENT_RETENTION_DAYS = env.EVENT_RETENTION_DAYS
INVOICE_EVENTS_YEARS = env.INVOICE_EVENTS_YEARS
QUARANTINE_RETENTION_DAYS = env.QUARANTINE_RETENTION_DAYS
INVOICE_GRACE_HOURS = env.INVOICE_GRACE_HOURS
INVOICE_SERIES = env.INVOICE_SERIES
PAYMENT_TERMS_DAYS = env.PAYMENT_TERMS_DAYS
PDF_PROCESSES = env.PDF_PROCESSES
REMINDER_DAYS = env.REMINDER_DAYS
WEBHOOK_ALLOWED_HOSTS = env.WEBHOOK_ALLOWED_HOSTS
EMBED_ORIGINS = env.EMBED_ORIGINS

EMBEDDED_POSTGRES = not env.DATABASE_URL
DATABASES = databases(env.DATABASE_URL, env.DATABASE_OWNER_URL, DATA_DIR, env.DATABASE_POOL_SIZE)
DATABASE_ROUTERS = ["portal.databases.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "accounts",
    "billing.webhooks",
    "billing.plans",
    "billing.usage",
    "billing.limits",
    "billing.invoices",
    "billing.payments",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.static_files.CompressedFiles",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.second_factor.StaffSecondFactor",
    "portal.sessions.SeenLately",
    "accounts.middleware.ScopeMiddleware",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.MemberBackend"]
# Scrypt first: memory-hard, and a sign-in costs a tenth of a second rather than most of one.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}"
    for name in ("ScryptPasswordHasher", "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher")
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "portal.sign_in.SignIn"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Django's: its links end with a changed address as well, and a person has no address beside his own.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
PASSWORD_RESET_TIMEOUT = 3600
MFA_ADAPTER = "portal.second_factor.SealedFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = (
    "required"  # fingerprint, face or PIN: who holds the device alone does not get in
)
MFA_FORMS = {
    f"{name}_webauthn": f"portal.passkeys.{name.title()}"
    for name in ("add", "edit", "login", "authenticate", "reauthenticate")
}
MFA_TOTP_ISSUER = SELLER.name  # what the authenticator app calls the code
MFA_TOTP_TOLERANCE = 1  # half minutes that a phone's clock may be off (RFC 6238, 5.2)
# Nobody signs up by himself here, and so none takes another's address and locks him out.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Seconds after which sensitive acts ask once more who it is (portal/views/fresh.py).
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:overview"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

MAILERS = {"default": mailer(env.EMAIL_URL)}
DEFAULT_FROM_EMAIL = env.EMAIL_FROM

_SELF = ["'self'"]
SECURE_CSP = {
    "default-src": _SELF,
    "script-src": _SELF,
    "style-src": _SELF,
    "img-src": [*_SELF, "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": _SELF,
    "frame-ancestors": ["'none'"],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
if PRODUCTION:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Probes and products may come from the machine itself, past the proxy that speaks TLS.
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)\Z", r"^api/v1/"]
    SECURE_HSTS_SECONDS = 31_536_000
    # For the operator to say, for all other sites of the domain: whether they too speak https only.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    CSRF_TRUSTED_ORIGINS = [SITE_URL]

API_REQUESTS_PER_MINUTE = env.API_REQUESTS_PER_MINUTE
EVENT_REQUESTS_PER_MINUTE = env.EVENT_REQUESTS_PER_MINUTE
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.auth.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["portal.api.auth.KeyHasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Plainbill",
    "DESCRIPTION": "Usage in, a live figure, a limit that holds, an invoice that explains itself.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "portal.api.schema.complete"],
}

# Sizes that a request may have before Django reads it; events have their own limit (billing/usage).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FORMS_URLFIELD_ASSUME_HTTPS = True
TESTING = "pytest" in sys.modules

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"plainbill": {"level": "INFO"}},
}
