"""Which addresses a crawl may connect to: every private range, also inside another notation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chimed_datasets.collect.addresses import PublicResolver, is_public


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "8.8.8.8", "1.1.1.1", "172.32.0.1", "11.0.0.1", "100.128.0.1",
     "2606:4700:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808",
     "2002:808:808::1"],
)  # fmt: skip
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.8", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254",  # where a cloud keeps its keys
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.0.0.1",
        "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
        "2001:db8::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.8", "::ffff:a9fe:a9fe",  # mapped
        "2002:7f00:1::1", "2002:a00:8::",  # 6to4
        "64:ff9b::a00:8", "64:ff9b::7f00:1",  # NAT64
        "2001:0:808:808:0:0:f5ff:fff7",  # Teredo: a public server, 10.0.0.8 behind it
        "", "localhost", "qa.example.org", "127.1", "0x7f.1", "2130706433", "127.0.0.1:80",
    ],
)  # fmt: skip
def test_not_public(address):
    assert not is_public(address)


class Names:
    """A resolver that answers at once with what it was given."""

    def __init__(self, *found: str) -> None:
        self.found = found

    def resolveHostName(self, receiver, host, *more):
        receiver.resolutionBegan(None)
        for address in self.found:
            receiver.addressResolved(SimpleNamespace(host=address))
        receiver.resolutionComplete()


class Told(list):
    def resolutionBegan(self, resolution):
        self.append("began")

    def addressResolved(self, address):
        self.append(address.host)

    def resolutionComplete(self):
        self.append("complete")


@pytest.mark.parametrize(
    ("allow", "passed"),
    [(False, ["began", "8.8.8.8", "complete"]),
     (True, ["began", "10.0.0.8", "8.8.8.8", "::1", "complete"])],
)  # fmt: skip
def test_a_name_with_addresses_of_both_kinds_leads_to_the_public_ones(allow, passed):
    reactor = SimpleNamespace(nameResolver=Names("10.0.0.8", "8.8.8.8", "::1"))
    told = Told()
    left_out = {}
    PublicResolver(reactor, allow, left_out).resolveHostName(told, "both.test")
    assert told == passed
    assert left_out == ({} if allow else {"both.test": "::1"})
