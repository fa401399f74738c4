"""HTTP that calls the very address that was checked: a name that resolves differently a moment later gains nothing."""

import ipaddress
import socket

import httpx


class HostNotAllowed(httpx.TransportError):
    """The host resolves to an address that is never called."""


class PinnedTransport(httpx.HTTPTransport):
    """Resolve once, check every address, and connect to what was checked. Redirects pass here again."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. Raises HostNotAllowed, httpx.ConnectError and what httpx raises."""
        host = request.url.host
        address = _checked_address(host, request)
        # The Host header was set from the name already; TLS checks the name too.
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return super().handle_request(request)


def client() -> httpx.Client:
    """Answer a client that goes through a pinned transport, and through no proxy of the environment."""
    return httpx.Client(transport=PinnedTransport(), trust_env=False, follow_redirects=False)


def _checked_address(host: str, request: httpx.Request) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as unknown:
        raise httpx.ConnectError(f"The name {host} cannot be resolved.", request=request) from unknown
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        known = ipaddress.ip_address(address.split("%")[0])
        # An IPv4 address may come in the clothes of IPv6.
        if (getattr(known, "ipv4_mapped", None) or known).is_link_local:
            raise HostNotAllowed(f"{host} resolves to a link-local address, which is never called.", request=request)
    # IPv4 first: most code servers listen there only.
    return min(addresses, key=lambda each: ":" in each)
