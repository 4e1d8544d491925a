"""Which addresses may be connected to, checked on the very addresses that a connection is made to.

Scrapy connects to what its name resolver returns and looks nothing up again. A resolver that
returns public addresses alone therefore holds for every request, redirect and robots.txt, for
addresses written as numbers, and for a name that points elsewhere at its second lookup. Nothing is
kept from one lookup to the next.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet: no loopback, private, link-local,
    shared, multicast, reserved or documentation range, also where an IPv6 address carries an IPv4
    one (mapped, 6to4, Teredo, NAT64)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour  # early releases of 3.11 call all 6to4 private
        if ip in _NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(str(carried))
        if any(not is_public(str(v4)) for v4 in ip.teredo or ()):
            return False
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


@implementer(IHostnameResolver)
class PublicResolver:
    """Resolves names to public addresses alone.

    not_public: gets an entry for each host with an address that was left out: host -> address.
    """

    def __init__(self, reactor: Any, allow_private: bool, not_public: dict[str, str]) -> None:
        self.reactor = reactor
        self.inner = reactor.nameResolver
        self.allow_private = allow_private
        self.not_public = not_public

    def install_on_reactor(self) -> None:
        self.reactor.installNameResolver(self)

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        receiver = resolutionReceiver
        if not self.allow_private:
            receiver = _PublicOnly(resolutionReceiver, hostName, self.not_public)
        return self.inner.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )


@implementer(IResolutionReceiver)
class _PublicOnly:
    """Passes public addresses on; without any, the connection fails as for an unknown name."""

    def __init__(self, receiver: Any, host: str, not_public: dict[str, str]) -> None:
        self.receiver, self.host, self.not_public = receiver, host, not_public

    def resolutionBegan(self, resolution: Any) -> None:
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:
        if is_public(address.host):
            self.receiver.addressResolved(address)
        else:
            self.not_public[self.host] = address.host

    def resolutionComplete(self) -> None:
        self.receiver.resolutionComplete()
