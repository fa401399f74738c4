"""The one settings file. Every choice of an operator is an environment variable; `docs/settings.md` lists them."""

from datetime import timedelta
from pathlib import Path

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")

DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", DATA_DIR / "secret-key")
# Never rotated together with SECRET_KEY: digests of secrets must stay comparable for as long as history is kept.
FINGERPRINT_KEY = env.secret("LASTGOOD_FINGERPRINT_KEY", DATA_DIR / "fingerprint-key")
# What is to be used and not only compared (tokens of others, passwords) is encrypted. A new key goes before the old ones.
LASTGOOD_ENCRYPTION_KEYS = [
    key.strip() for key in env.secret("LASTGOOD_ENCRYPTION_KEYS", DATA_DIR / "encryption-key").split(",") if key.strip()
]
# Host names that this portal answers to. The single machine answers to its own; production names its own.
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SITE_URL = env.text("SITE_URL", f"http://localhost:{env.integer('PORT', 8000)}")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "portal.admin_site.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "guardian",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "portal",
    "deployments",
    "assets",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.csp.PortalCSPMiddleware",
]

ROOT_URLCONF = "portal.urls"
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
                "portal.pages.theme",
                "portal.pages.sign_on",
            ],
        },
    },
]

# --- Database and broker --------------------------------------------------------------------------------------------
# IMMEDIATE takes the write lock when a transaction begins, so that two writers queue instead of failing half-way.
SQLITE_OPTIONS: dict[str, object] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
}
DATABASES = {
    "default": env.database(
        env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'lastgood.sqlite3'}"), sqlite_options=SQLITE_OPTIONS
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# What limits guessing at passwords and codes is counted here: every web process must see it, and signing in must not
# hang on the broker. Its table is made by a migration.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        # Beyond it, entries are dropped by chance: with a smaller one somebody could push their own failures out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# A Redis or Valkey elsewhere, or the private one that `make up` runs on a socket in the data directory.
BROKER_SOCKET = DATA_DIR / "valkey" / "valkey.sock"
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{BROKER_SOCKET}"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # The row's lease decides who works on it; a redelivery is harmless, and ours comes sooner. Without these three,
    # kombu brings a killed task back after more than an hour.
    "visibility_timeout": 60,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # A broker that is away must not hold a request: the row waits and beat takes it up.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 1,
    # Several portals may share one Redis.
    "global_keyprefix": env.text("LASTGOOD_BROKER_PREFIX"),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "deploys"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# The schedule is in code, and every entry may run once too often: nothing is worth remembering in a file. The
# persistent scheduler's file, SQLite under Python 3.13, was seen to lock itself out and take beat down.
CELERY_BEAT_SCHEDULER = "portal.heartbeat.BeatScheduler"

# Proxies in front, whose word on where a request comes from is believed.
NUM_PROXIES = env.integer("NUM_PROXIES", 0)

# --- Who ------------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: nobody has rights without an account
GUARDIAN_MONKEY_PATCH_USER = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.InvitedOnly"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
# The same proxies as the API's limit: without it, all who come through one share a limit, and one locks out all.
ALLAUTH_TRUSTED_PROXY_COUNT = NUM_PROXIES
# A second factor: an app's codes, and codes on paper for when the app is lost. Passkeys are left out: allauth's pages
# for them are not ours, and want HTTPS and a name that never changes.
MFA_ADAPTER = "portal.accounts.SealedFactors"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = env.text("LASTGOOD_TOTP_ISSUER", "Lastgood")
# A clock that is half a minute off still signs in.
MFA_TOTP_TOLERANCE = 1
# Single sign-on, when a provider is named: OpenID Connect, which tells of itself below its issuer.
LASTGOOD_OIDC = env.single_sign_on("LASTGOOD_OIDC")
SOCIALACCOUNT_ADAPTER = "portal.single_sign_on.SingleSignOn"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "deployments.api.authentication.BearerAuthentication",
        "deployments.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.common.problems.answer_problem",
    "DEFAULT_THROTTLE_RATES": {"sign-in": "20/min"},
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lastgood",
    "DESCRIPTION": "Deploy history and rollbacks for Dagster and Airflow that you run yourselves.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DeployStatusEnum": "deployments.states.DeployStatus",
        "DeployKindEnum": "deployments.states.DeployKind",
    },
}
KNOX_TOKEN_MODEL = "deployments.Token"
# Its own token table would be empty, and stand in the way: ours takes its place.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=90),
    "TOKEN_PREFIX": "lg_",
    "AUTO_REFRESH": False,
}

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "portal" / "static_src"]
S3_BUCKET = env.text("LASTGOOD_S3_BUCKET")
_LOCAL_BLOBS = {
    "BACKEND": "deployments.bundles.local.DurableFileStorage",
    "OPTIONS": {"location": str(DATA_DIR / "blobs")},
}
_S3_BLOBS = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": S3_BUCKET,
        "location": env.text("LASTGOOD_S3_PREFIX", "blobs"),
        "endpoint_url": env.text("LASTGOOD_S3_ENDPOINT") or None,
        "region_name": env.text("LASTGOOD_S3_REGION") or None,
        "signature_version": "s3v4",
        "file_overwrite": False,
        "default_acl": None,
    },
}
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "files")},
    },
    "blobs": _S3_BLOBS if S3_BUCKET else _LOCAL_BLOBS,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024  # a manifest of 100,000 files is about 20 MB
FILE_UPLOAD_TEMP_DIR = None

# --- Lastgood -------------------------------------------------------------------------------------------------------
# Limits of what may be uploaded. Each has a sentence of its own when it is passed.
LASTGOOD_MAX_FILES = env.integer("LASTGOOD_MAX_FILES", 50_000, least=1)
LASTGOOD_MAX_FILE_BYTES = env.integer("LASTGOOD_MAX_FILE_BYTES", 512 * 1024**2, least=1)
LASTGOOD_MAX_BUNDLE_BYTES = env.integer("LASTGOOD_MAX_BUNDLE_BYTES", 4 * 1024**3, least=1)
LASTGOOD_MAX_PATH_LENGTH = env.integer("LASTGOOD_MAX_PATH_LENGTH", 512, least=16)
LASTGOOD_QUOTA_BYTES = env.integer("LASTGOOD_QUOTA_BYTES", 50 * 1024**3, least=1)
# Uploads that no deploy took up are forgotten after this.
LASTGOOD_UPLOAD_LIFETIME = timedelta(hours=env.integer("LASTGOOD_UPLOAD_HOURS", 24, least=1))
LASTGOOD_RETENTION_DAYS = env.integer("LASTGOOD_RETENTION_DAYS", 90, least=1)
# Where deployments without a root of their own keep their releases: <root>/<organization>/<deployment>/<location>.
LASTGOOD_TARGET_ROOT = env.folder("LASTGOOD_TARGET_ROOT", DATA_DIR / "targets")
# Hosts (names, addresses or networks) that platforms may be reached at. Link-local addresses are always refused.
LASTGOOD_PLATFORM_HOSTS = env.words("LASTGOOD_PLATFORM_HOSTS", "localhost,127.0.0.1,::1")
# The same for what orders and alerts are posted to, and for registries that are asked about images.
LASTGOOD_WEBHOOK_HOSTS = env.words("LASTGOOD_WEBHOOK_HOSTS", "localhost,127.0.0.1,::1")
LASTGOOD_REGISTRY_HOSTS = env.words("LASTGOOD_REGISTRY_HOSTS", "localhost,127.0.0.1,::1")
# The same for repositories that are fetched from; how that may be done; and for how long, and how much of one.
LASTGOOD_GIT_HOSTS = env.words("LASTGOOD_GIT_HOSTS", "localhost,127.0.0.1,::1")
LASTGOOD_GIT_PROTOCOLS = env.words_of("LASTGOOD_GIT_PROTOCOLS", "https,ssh", {"https", "http", "ssh", "file"})
LASTGOOD_GIT_PATIENCE = timedelta(seconds=env.integer("LASTGOOD_GIT_PATIENCE_SECONDS", 300, least=5))
LASTGOOD_GIT_MAX_BYTES = env.integer("LASTGOOD_GIT_MAX_BYTES", 4 * 1024**3, least=1024)
# Tasks that are told the id of each deploy that ended: apps above `deployments`, which knows none of them.
LASTGOOD_TELL_OF_DEPLOYS = ["portal.tasks.record_assets"]
LASTGOOD_LEASE = timedelta(seconds=env.integer("LASTGOOD_LEASE_SECONDS", 15, least=2))
LASTGOOD_RELOAD_PATIENCE = timedelta(seconds=env.integer("LASTGOOD_RELOAD_PATIENCE_SECONDS", 180, least=5))
# Airflow looks for new files by itself every five minutes, and shows what changed in a DAG up to a minute late.
LASTGOOD_READING_PATIENCE = timedelta(seconds=env.integer("LASTGOOD_READING_PATIENCE_SECONDS", 360, least=5))
LASTGOOD_READING_SETTLES = timedelta(seconds=env.integer("LASTGOOD_READING_SETTLES_SECONDS", 60, least=0))
LASTGOOD_METRICS_TOKEN = env.text("LASTGOOD_METRICS_TOKEN")

# How e-mail leaves: smtp://user:password@host:587/?tls=1, or smtps://…; without both, e-mail alerts are refused.
LASTGOOD_SMTP = env.mail_server("LASTGOOD_SMTP_URL")
LASTGOOD_EMAIL_FROM = env.text("LASTGOOD_EMAIL_FROM")
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": LASTGOOD_SMTP or {"host": "localhost", "timeout": 8},
    }
}
DEFAULT_FROM_EMAIL = LASTGOOD_EMAIL_FROM or "webmaster@localhost"

# --- The rest -------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "portal.formats"
USE_I18N = False
USE_TZ = True
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# Behind TLS (production) cookies travel over TLS only.
BEHIND_TLS = env.boolean("BEHIND_TLS", default=SITE_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
# Two portals on one machine, on two ports, must not sign each other out: cookies know no ports.
SESSION_COOKIE_NAME = env.text("SESSION_COOKIE_NAME", f"lastgood_{env.integer('PORT', 8000)}")
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS, TLS redirect: the proxy in front decides
    "security.W008",
    "guardian.W001",
]

# Shown at the top of the admin, so that nobody takes one portal for another: "production", "staging".
LASTGOOD_ENVIRONMENT = env.text("LASTGOOD_ENVIRONMENT")
UNFOLD = {
    "SITE_TITLE": "Lastgood admin",
    "SITE_HEADER": "Lastgood",
    "SITE_SUBHEADER": "Admin",
    "SITE_URL": "/",
    "SITE_ICON": "portal.navigation.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "portal.navigation.icon"}],
    "STYLES": ["portal.navigation.stylesheet"],
    "SCRIPTS": ["portal.navigation.script"],
    "ENVIRONMENT": "portal.navigation.environment",
    # One choice of colours for all pages: where somebody made one, the admin follows it.
    "THEME": "portal.navigation.chosen_theme",
    "SIDEBAR": {"navigation": "portal.navigation.sidebar"},
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "BORDER_RADIUS": "8px",
    # The blue of our own pages.
    "COLORS": {
        "primary": {
            "50": "#eef3ff",
            "100": "#dfe8ff",
            "200": "#c5d4ff",
            "300": "#a2b9ff",
            "400": "#86aaff",
            "500": "#7096fa",
            "600": "#2f5bd3",
            "700": "#2450c4",
            "800": "#1f4099",
            "900": "#1d3a7a",
            "950": "#15244a",
        },
    },
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
_LOG_FORMAT = env.text("LOG_FORMAT", "text")
if _LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT={_LOG_FORMAT!r}: use 'text' or 'json'.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
            ],
        },
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": _LOG_FORMAT},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "celery": {"level": env.text("LOG_LEVEL", "INFO")},
        # httpx logs every URL it asks: a poll each few seconds would drown the rest.
        "httpx": {"level": "WARNING"},
        # These log addresses of webhooks, which are secrets. What became of a message is in its own row.
        "urllib3": {"level": "INFO"},
        "apprise": {"level": "WARNING", "propagate": False, "handlers": ["nowhere"]},
    },
}
