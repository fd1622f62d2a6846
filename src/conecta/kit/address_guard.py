"""Which addresses, and which URLs that name them, this program refuses to dial on behalf of a customer.

Pure: no name is resolved and no socket is opened here. The table is our own because `ipaddress.is_global`
calls NAT64, 6to4, multicast and other ways back into a private network "global" (Python 3.11.7).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import idna
from yarl import URL

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

MAX_URL_LENGTH: Final = 2048  # characters
MAX_HOST_NAME_LENGTH: Final = 253  # RFC 1035 §2.3.4, without the root's dot

IANA_4: Final = "IANA IPv4 Special-Purpose Address Registry"
IANA_6: Final = "IANA IPv6 Special-Purpose Address Registry"


class TargetRefused(Exception):
    """We will not dial this target, now or on a retry.

    Attributes:
        code: stable name of the rule, such as `address_forbidden` or `port_not_allowed`.
        message: one sentence that says why; it names no address of our network.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ForbiddenRange:
    """One block of addresses that customers may not point us at.

    `private` marks the blocks of a private network or of this machine: a demo or a test may open them,
    whereas the others have no honest use as a target and stay closed.
    """

    network: _Network
    name: str
    source: str
    private: bool = False


def _row(network: str, name: str, source: str, *, private: bool = False) -> ForbiddenRange:
    return ForbiddenRange(ip_network(network), name, source, private)


# The first row that matches names the refusal, so an address with a story of its own stands before its block.
METADATA_RANGES = (
    _row("169.254.169.254/32", "cloud instance metadata", "AWS, Azure, Google Cloud and OpenStack manuals"),
    _row("169.254.170.2/32", "AWS container credentials", "Amazon ECS manual"),
    _row("169.254.170.23/32", "AWS pod credentials", "Amazon EKS manual"),
    _row("100.100.100.200/32", "Alibaba Cloud metadata", "Alibaba Cloud ECS manual"),
    _row("192.0.0.192/32", "Oracle Cloud metadata", "Oracle Cloud Infrastructure manual"),
    _row("168.63.129.16/32", "Azure platform service", "Azure manual: a public address served by the host"),
    _row("fd00:ec2::/32", "AWS metadata over IPv6", "Amazon EC2 manual: fd00:ec2::254 and its neighbours"),
    _row("fd20:ce::254/128", "Google Cloud metadata over IPv6", "Google Compute Engine manual"),
)

IPV4_RANGES = (
    _row("0.0.0.0/8", "this network", f"RFC 791 §3.2, {IANA_4}"),
    _row("10.0.0.0/8", "private network", f"RFC 1918, {IANA_4}", private=True),
    _row("100.64.0.0/10", "carrier-grade NAT", f"RFC 6598, {IANA_4}", private=True),
    _row("127.0.0.0/8", "loopback", f"RFC 1122 §3.2.1.3, {IANA_4}", private=True),
    _row("169.254.0.0/16", "link-local", f"RFC 3927, {IANA_4}"),
    _row("172.16.0.0/12", "private network", f"RFC 1918, {IANA_4}", private=True),
    _row("192.0.0.0/24", "IETF protocol assignments", f"RFC 6890 §2.1, {IANA_4}"),
    _row("192.0.2.0/24", "documentation", f"RFC 5737, {IANA_4}"),
    _row("192.31.196.0/24", "AS112 reverse DNS", f"RFC 7535, {IANA_4}"),
    _row("192.52.193.0/24", "multicast tunnelling relay", f"RFC 7450, {IANA_4}"),
    _row("192.88.99.0/24", "6to4 relay anycast", f"RFC 7526, {IANA_4}"),
    _row("192.168.0.0/16", "private network", f"RFC 1918, {IANA_4}", private=True),
    _row("192.175.48.0/24", "AS112 reverse DNS", f"RFC 7534, {IANA_4}"),
    _row("198.18.0.0/15", "benchmarking", f"RFC 2544, {IANA_4}"),
    _row("198.51.100.0/24", "documentation", f"RFC 5737, {IANA_4}"),
    _row("203.0.113.0/24", "documentation", f"RFC 5737, {IANA_4}"),
    _row("224.0.0.0/4", "multicast", "RFC 5771"),
    _row("255.255.255.255/32", "limited broadcast", f"RFC 919 §7, {IANA_4}"),
    _row("240.0.0.0/4", "reserved (class E)", f"RFC 1112 §4, {IANA_4}"),
)

# The blocks that carry an IPv4 address inside (6to4, NAT64, Teredo and their kin) are refused whole: no
# receiver of webhooks lives there, and decoding each scheme would leave the next one open.
IPV6_RANGES = (
    _row("::/128", "unspecified", f"RFC 4291 §2.5.2, {IANA_6}"),
    _row("::1/128", "loopback", f"RFC 4291 §2.5.3, {IANA_6}", private=True),
    _row("::/96", "IPv4-compatible IPv6", "RFC 4291 §2.5.5.1, deprecated"),
    _row("::ffff:0:0:0/96", "IPv4-translated IPv6", "RFC 2765 §2.1, obsolete"),
    _row("64:ff9b::/96", "NAT64", f"RFC 6052 §2.1, {IANA_6}"),
    _row("64:ff9b:1::/48", "local-use NAT64", f"RFC 8215, {IANA_6}"),
    _row("100::/64", "discard only", f"RFC 6666, {IANA_6}"),
    _row("100:0:0:1::/64", "dummy prefix", f"RFC 9780, {IANA_6}"),
    _row("2001::/32", "Teredo", f"RFC 4380, {IANA_6}"),
    _row("2001:2::/48", "benchmarking", f"RFC 5180, {IANA_6}"),
    _row("2001:10::/28", "ORCHID", f"RFC 4843, {IANA_6}"),
    _row("2001:20::/28", "ORCHIDv2", f"RFC 7343, {IANA_6}"),
    _row("2001::/23", "IETF protocol assignments", f"RFC 2928, {IANA_6}"),
    _row("2001:db8::/32", "documentation", f"RFC 3849, {IANA_6}"),
    _row("2002::/16", "6to4", f"RFC 3056, {IANA_6}"),
    _row("2620:4f:8000::/48", "AS112 reverse DNS", f"RFC 7534, {IANA_6}"),
    _row("3fff::/20", "documentation", f"RFC 9637, {IANA_6}"),
    _row("5f00::/16", "segment routing (SRv6)", f"RFC 9602, {IANA_6}"),
    _row("fc00::/7", "unique local", f"RFC 4193, {IANA_6}", private=True),
    _row("fe80::/10", "link-local", f"RFC 4291 §2.5.6, {IANA_6}"),
    _row("fec0::/10", "site-local", "RFC 3879, deprecated"),
    _row("ff00::/8", "multicast", "RFC 4291 §2.7"),
)

FORBIDDEN_RANGES = METADATA_RANGES + IPV4_RANGES + IPV6_RANGES

ZONE_ID = "IPv6 address with a zone id"
UNALLOCATED_IPV6 = "IPv6 outside the global unicast space"

_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")


def forbidden_range(address: str | IPv4Address | IPv6Address, *, allow_private: bool = False) -> str | None:
    """Name the range that forbids dialling `address`; None if it may be dialled.

    An IPv4-mapped IPv6 address (`::ffff:0:0/96`, RFC 4291 §2.5.5.2) is judged by its IPv4 address, since that
    is where a socket really goes. An IPv6 address with a zone id (RFC 4007) only means something on one link
    and is refused, and so is all IPv6 outside 2000::/3, the only space IANA assigns global addresses from.

    Args:
        address: canonical text of an address, or the address itself.
        allow_private: also let through loopback and private networks, for demo and tests; metadata services,
            link-local, multicast and every other row stay refused.

    Raises:
        ValueError: the text is not an IP address in canonical form (odd spellings are judged by `read_url`).
    """
    return _forbidden_range(ip_address(address), allow_private)


@lru_cache(maxsize=4096)
def _forbidden_range(address: _Address, allow_private: bool) -> str | None:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return ZONE_ID
        if address.ipv4_mapped is not None:
            return _forbidden_range(address.ipv4_mapped, allow_private)
    for row in FORBIDDEN_RANGES:
        if address in row.network:
            return None if allow_private and row.private else row.name
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST_6:
        return UNALLOCATED_IPV6
    return None


# One absolute URL: scheme, authority, path with query, fragment (RFC 3986, appendix B).
_URL_PARTS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", re.ASCII)
# Browsers read a backslash as a slash and drop tabs and line ends; others do not, so nobody gets to use them.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A last label of this form makes resolvers read the whole name as an IPv4 address (inet_aton, WHATWG URL).
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names of this machine or this network: RFC 6761 §6.3, RFC 6762, RFC 8375, and ICANN's reserved `internal`.
_LOCAL_SUFFIXES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")


def read_url(
    url: str,
    *,
    allow_private: bool,
    allow_http: bool,
    ports: frozenset[int] | None,
    own_hosts: frozenset[str],
) -> URL:
    """Read a customer's URL once, judge it, and rebuild it from the judged parts in one canonical form.

    Whoever dials takes the returned URL, so no second parser can find another host in the original text.

    Args:
        url: what the customer wrote.
        allow_private: let local names, loopback and private networks through, on any port.
        allow_http: let `http:` through beside `https:`.
        ports: the ports that may be called; None means any.
        own_hosts: host names of ours, refused.

    Raises:
        TargetRefused: the URL breaks a rule; `code` tells which.
    """
    if len(url) > MAX_URL_LENGTH:
        raise TargetRefused("url_too_long", f"The URL is longer than {MAX_URL_LENGTH} characters.")
    parts = _URL_PARTS.fullmatch(url)
    if parts is None or _AMBIGUOUS.search(url):
        raise TargetRefused("url_malformed", "This is not an absolute URL free of spaces and backslashes.")
    scheme, authority, rest, fragment = parts.groups()
    scheme = scheme.lower()
    if scheme != "https" and not (scheme == "http" and allow_http):
        raise TargetRefused("scheme_not_allowed", "The URL must start with https://.")
    if "@" in authority:
        raise TargetRefused("userinfo_not_allowed", "The URL must not carry a user name or a password.")
    if fragment is not None:
        raise TargetRefused("fragment_not_allowed", "The URL must not carry a fragment (#).")
    pieces = _AUTHORITY.fullmatch(authority)
    if pieces is None or not pieces[1]:
        raise TargetRefused("host_invalid", "The URL must name a host, with or without a port number.")
    host = _read_host(pieces[1], allow_private=allow_private)
    if host in _canonical_names(own_hosts):
        raise TargetRefused("host_is_ours", "The URL points back at this service.")
    port = int(pieces[2] or {"https": 443, "http": 80}[scheme])
    allowed = allow_private or ports is None or port in ports
    if not allowed or not 0 < port <= 65_535:
        raise TargetRefused("port_not_allowed", f"Port {port} is not one that may be called.")
    return _rebuild(scheme, host, port, rest)


def _read_host(text: str, *, allow_private: bool) -> str:
    """Bring a host into its canonical form, ASCII and lower case, or refuse it."""
    if text.startswith("["):
        return f"[{_read_literal(text[1:-1], IPv6Address, allow_private=allow_private)}]"
    name = _ascii_name(text)
    if _NUMERIC_LABEL.fullmatch(name.rstrip(".").rpartition(".")[2]):
        return _read_literal(name, IPv4Address, allow_private=allow_private)
    name = name.removesuffix(".")
    if len(name) > MAX_HOST_NAME_LENGTH or not _HOST_NAME.fullmatch(name):
        raise TargetRefused("host_invalid", "The host is not a valid DNS name.")
    if not allow_private and ("." not in name or name.endswith(_LOCAL_SUFFIXES)):
        raise TargetRefused("host_is_local", "The host name only means something inside a private network.")
    return name


def _read_literal(text: str, kind: type[IPv4Address | IPv6Address], *, allow_private: bool) -> str:
    """Take an address in its plain form only: 0177.0.0.1 is not the same host to all programs."""
    try:
        address = kind(text)
    except ValueError as error:
        message = "An address must be written plainly, such as 8.8.8.8 or [2606:4700::1111]."
        raise TargetRefused("address_spelling", message) from error
    name = forbidden_range(address, allow_private=allow_private)
    if name is not None:
        message = f"The address lies in a range that is never called: {name}."
        raise TargetRefused("address_forbidden", message)
    return str(address)


def _ascii_name(text: str) -> str:
    """Map wide digits, ideographic dots and case (UTS #46), then encode by IDNA 2008 (RFC 5891)."""
    try:
        name = text.lower() if text.isascii() else idna.uts46_remap(text)
        if not name.isascii() or "xn--" in name:
            name = idna.encode(name).decode("ascii")
    except idna.IDNAError as error:
        message = "The host is not a valid international domain name."
        raise TargetRefused("host_invalid", message) from error
    return name


@lru_cache(maxsize=64)
def _canonical_names(hosts: frozenset[str]) -> frozenset[str]:
    return frozenset(_ascii_name(host).removesuffix(".") for host in hosts)


def _rebuild(scheme: str, host: str, port: int, rest: str) -> URL:
    """Make the URL that is dialled, and prove that the HTTP library reads the same host and port in it."""
    try:
        built = URL(f"{scheme}://{host}:{port}{rest}")
        same = (built.scheme, built.host_subcomponent, built.port) == (scheme, host, port)
    except ValueError:
        same = False
    if not same:
        raise TargetRefused("url_malformed", "The URL can be read in more than one way.")
    return built
