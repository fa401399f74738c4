"""What git finds around it: an environment made from nothing, the secrets in it, and the one address that is called."""

import base64
import ipaddress
import os
import shlex
import socket
from pathlib import Path

from deployments.git.addresses import DEFAULT_PORTS, Address
from deployments.git.base import GitRefused, GitUnreachable, Remote

# Of the worker's own environment: where programs are, and what certificates its operator trusts.
_KEPT = ("PATH", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
_QUIET_SECONDS = 30
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "log.showSignature": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "protocol.allow": "never",
    "transfer.fsckObjects": "true",
    # One file for all that comes: its size is looked at while it comes.
    "transfer.unpackLimit": "1",
    "pack.threads": "1",
    "http.followRedirects": "false",
    "http.proxy": "",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": str(_QUIET_SECONDS),
}


def environment(remote: Remote, address: Address, *, home: Path, pinned: str) -> dict[str, str]:
    """Answer git's whole environment. The token is in it, and in no argument and no file; `home` keeps the deploy key.

    `pinned` is the address that the host's name was found to mean: git calls no other. Raises GitRefused.
    """
    config = dict(_CONFIG)
    found = {name: os.environ[name] for name in _KEPT if name in os.environ}
    found |= {
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": address.scheme,
        # No repository above the folder is looked for.
        "GIT_CEILING_DIRECTORIES": str(home.parent),
    }
    if address.scheme in {"http", "https"}:
        if address.host.strip("[]") != pinned:
            config["http.curloptResolve"] = f"{address.host}:{address.port}:{_in_brackets(pinned)}"
        if remote.token:
            config["http.extraHeader"] = f"Authorization: Basic {_basic(remote.token)}"
    elif address.scheme == "ssh":
        found |= _ssh(remote, address, home, pinned)
    return found | _as_variables(config)


def secrets_of(remote: Remote) -> list[str]:
    """Answer what must not be repeated, however a server says it."""
    if not remote.token:
        return []
    return [remote.token, remote.token.rpartition(":")[2], _basic(remote.token)]


def resolve(address: Address) -> str:
    """Answer the address that the host's name means, checked. Raises GitUnreachable, GitRefused `host_not_allowed`."""
    if not address.host:
        return ""
    host = address.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise GitUnreachable(f"The name {host} cannot be resolved.", code="unreachable") from unknown
    addresses = [str(entry[4][0]) for entry in found]
    for each in addresses:
        known = ipaddress.ip_address(each.split("%")[0])
        # An IPv4 address may come in the clothes of IPv6.
        if (getattr(known, "ipv4_mapped", None) or known).is_link_local:
            raise GitRefused(
                f"{host} resolves to a link-local address, which is never called.", code="host_not_allowed"
            )
    return min(addresses, key=lambda each: ":" in each)


def _basic(token: str) -> str:
    # GitHub, GitLab and Gitea ask for a token and for any name; whoever needs a certain one gives "name:token".
    named = token if ":" in token else f"x-access-token:{token}"
    return base64.b64encode(named.encode()).decode()


def _in_brackets(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _as_variables(config: dict[str, str]) -> dict[str, str]:
    found = {"GIT_CONFIG_COUNT": str(len(config))}
    for position, (key, value) in enumerate(config.items()):
        found |= {f"GIT_CONFIG_KEY_{position}": key, f"GIT_CONFIG_VALUE_{position}": value}
    return found


def _ssh(remote: Remote, address: Address, home: Path, pinned: str) -> dict[str, str]:
    """Write what ssh reads, for its owner's eyes alone, and answer how git calls it. Raises GitRefused."""
    if not remote.deploy_key.strip():
        raise GitRefused("An ssh address needs a deploy key.", code="no_deploy_key")
    if not remote.known_hosts.strip():
        raise GitRefused(
            "An ssh address needs the server's own keys: put what `ssh-keyscan` answers, once compared with what the "
            "server's operator says, into known_hosts.",
            code="no_known_hosts",
        )
    key, hosts, config = home / "key", home / "known_hosts", home / "ssh_config"
    _write(key, remote.deploy_key)
    _write(hosts, remote.known_hosts)
    standard = address.port == DEFAULT_PORTS["ssh"]
    said = {
        "HostName": pinned,
        "HostKeyAlias": address.host if standard else f"[{address.host.strip('[]')}]:{address.port}",
        "IdentityFile": _named(key),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _named(hosts),
        "GlobalKnownHostsFile": os.devnull,
        "UpdateHostKeys": "no",
        "PreferredAuthentications": "publickey",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ConnectTimeout": str(_QUIET_SECONDS),
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
    }
    _write(config, "Host *\n" + "\n".join(f"  {name} {value}" for name, value in said.items()))
    # A shell reads this line: all of it is ours, and of the repository's owner nothing stands in it.
    return {"GIT_SSH_COMMAND": f"ssh -F {shlex.quote(str(config))}", "GIT_SSH_VARIANT": "ssh"}


def _named(file: Path) -> str:
    # ssh reads "%" in it as a word of its own.
    return '"' + str(file).replace("%", "%%") + '"'


def _write(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="\n") as out:
        out.write(text.replace("\r\n", "\n").rstrip("\n") + "\n")
