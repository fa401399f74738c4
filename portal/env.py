"""Readers of environment variables that refuse nonsense, naming the variable and what would be right."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """Answer the variable, or the default when it is absent or empty."""
    return os.environ.get(name) or default


def boolean(name: str, default: bool) -> bool:
    """Answer 1/true/yes/on as True and 0/false/no/off as False. Raises ImproperlyConfigured on other words."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r}: use 'true' or 'false'.")


def integer(name: str, default: int, *, least: int = 0) -> int:
    """Answer a whole number. Raises ImproperlyConfigured on other words, and below `least`."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r}: use a whole number.") from None
    if value < least:
        raise ImproperlyConfigured(f"{name}={value}: use {least} or more.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Answer a comma-separated list, without empty entries."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def words_of(name: str, default: str, known: set[str]) -> list[str]:
    """Answer a comma-separated list of known words. Raises ImproperlyConfigured on others."""
    found = words(name, default)
    if odd := sorted(set(found) - known):
        raise ImproperlyConfigured(f"{name}={','.join(odd)!r}: use some of {', '.join(sorted(known))}.")
    return found


def folder(name: str, default: Path) -> Path:
    """Answer an absolute folder."""
    return Path(text(name, str(default))).expanduser().absolute()


def secret(name: str, file: Path) -> str:
    """Answer the variable, else what the file holds; a missing file is made once, readable by its owner alone.

    Two processes that start at once agree: the file is linked into place whole, and the loser reads the winner's.
    """
    if value := os.environ.get(name):
        return value
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        mine = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(os.urandom(48).hex())
        try:
            os.link(mine, file)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return file.read_text().strip()


def database(url: str, *, sqlite_options: dict[str, object]) -> dict[str, object]:
    """Answer Django's database entry for `sqlite:///path` or `postgres://user:password@host:port/name?option=value`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path[1:]) if parts.path.startswith("//") else unquote(parts.path),
            "OPTIONS": sqlite_options,
        }
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")) or "lastgood",
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": dict(parse_qsl(parts.query)),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured("DATABASE_URL: use 'sqlite:///path' or 'postgres://user@host:port/name'.")


def mail_server(name: str) -> dict[str, object] | None:
    """Answer Django's options of a mail server for `smtp://user:password@host:587/?tls=1`, or `smtps://host`; None without.

    Raises ImproperlyConfigured, which repeats nothing: a password may stand there.
    """
    url = text(name)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        asked, port = dict(parse_qsl(parts.query, keep_blank_values=True)), parts.port
    except ValueError:
        parts, asked, port = urlsplit(""), {}, None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or set(asked) - {"tls"}:
        raise ImproperlyConfigured(
            f"{name}: use 'smtp://user:password@host:587/?tls=1', or 'smtps://user:password@host'."
        )
    if asked.get("tls", "0") not in {"0", "1"} or (parts.scheme == "smtps" and asked.get("tls") == "1"):
        raise ImproperlyConfigured(f"{name}: tls is 1 (STARTTLS) or 0; smtps:// is encrypted from the start.")
    found: dict[str, object] = {"host": parts.hostname, "timeout": 8}
    if port is not None:
        found["port"] = port
    if parts.username:
        found |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return found | {"use_tls": asked.get("tls") == "1", "use_ssl": parts.scheme == "smtps"}


@dataclass(frozen=True)
class SingleSignOn:
    """An OpenID Connect provider, and who may come in through it without an invitation."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    domains: frozenset[str]
    hosts: frozenset[str]


def single_sign_on(prefix: str) -> SingleSignOn | None:
    """Answer the provider that `…_ISSUER` and the others name; None without. Raises ImproperlyConfigured."""
    issuer = text(f"{prefix}_ISSUER").rstrip("/")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.query:
        raise ImproperlyConfigured(
            f"{prefix}_ISSUER={issuer!r}: use an address like 'https://sso.example.com/realms/team'."
        )
    client = text(f"{prefix}_CLIENT_ID")
    if not client:
        raise ImproperlyConfigured(f"{prefix}_CLIENT_ID is needed beside {prefix}_ISSUER.")
    domains = frozenset(word.lower().lstrip("@") for word in words(f"{prefix}_DOMAINS"))
    return SingleSignOn(
        issuer=issuer,
        client_id=client,
        client_secret=text(f"{prefix}_CLIENT_SECRET"),
        name=text(f"{prefix}_NAME", "single sign-on"),
        domains=domains,
        hosts=frozenset({parts.netloc.lower(), *(word.lower() for word in words(f"{prefix}_HOSTS"))}),
    )
