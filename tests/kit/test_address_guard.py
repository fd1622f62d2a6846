"""The table of addresses that are never dialled, and the reading of URLs that name them."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit.address_guard import (
    FORBIDDEN_RANGES,
    UNALLOCATED_IPV6,
    ZONE_ID,
    TargetRefused,
    forbidden_range,
    read_url,
)

REFUSED = [
    ("0.0.0.0", "this network"),
    ("0.255.255.255", "this network"),
    ("10.0.0.1", "private network"),
    ("10.255.255.255", "private network"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("100.100.100.200", "Alibaba Cloud metadata"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "Azure platform service"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "cloud instance metadata"),
    ("169.254.170.2", "AWS container credentials"),
    ("169.254.170.23", "AWS pod credentials"),
    ("172.16.0.1", "private network"),
    ("172.31.255.255", "private network"),
    ("192.0.0.1", "IETF protocol assignments"),
    ("192.0.0.192", "Oracle Cloud metadata"),
    ("192.0.2.1", "documentation"),
    ("192.31.196.1", "AS112 reverse DNS"),
    ("192.52.193.1", "multicast tunnelling relay"),
    ("192.88.99.1", "6to4 relay anycast"),
    ("192.168.1.1", "private network"),
    ("192.175.48.1", "AS112 reverse DNS"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved (class E)"),
    ("255.255.255.254", "reserved (class E)"),
    ("255.255.255.255", "limited broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "IPv4-compatible IPv6"),
    ("::8.8.8.8", "IPv4-compatible IPv6"),
    ("::ffff:0:0", "this network"),
    ("::ffff:10.0.0.1", "private network"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "cloud instance metadata"),
    ("::ffff:0:127.0.0.1", "IPv4-translated IPv6"),
    ("64:ff9b::127.0.0.1", "NAT64"),
    ("64:ff9b::8.8.8.8", "NAT64"),
    ("64:ff9b:1::a00:1", "local-use NAT64"),
    ("100::1", "discard only"),
    ("100:0:0:1::1", "dummy prefix"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:1::1", "IETF protocol assignments"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "ORCHID"),
    ("2001:20::1", "ORCHIDv2"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:a9fe:a9fe::1", "6to4"),
    ("2002:808:808::1", "6to4"),
    ("2620:4f:8000::1", "AS112 reverse DNS"),
    ("3fff::1", "documentation"),
    ("3fff:fff:ffff::1", "documentation"),
    ("4000::1", UNALLOCATED_IPV6),
    ("5f00::1", "segment routing (SRv6)"),
    ("fc00::1", "unique local"),
    ("fd00::1", "unique local"),
    ("fd00:ec2::254", "AWS metadata over IPv6"),
    ("fd20:ce::254", "Google Cloud metadata over IPv6"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", ZONE_ID),
    ("2606:4700::1111%1", ZONE_ID),
    ("fec0::1", "site-local"),
    ("fe00::1", UNALLOCATED_IPV6),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450:4003:80a::200e",
    "3ffe:ffff::1",
    "::ffff:8.8.8.8",
]

# A demo may call these, and only these.
OPENED_BY_ALLOW_PRIVATE = {"loopback", "private network", "carrier-grade NAT", "unique local"}

LIVE = {
    "allow_private": False,
    "allow_http": False,
    "ports": frozenset({443, 8443}),
    "own_hosts": frozenset(),
}
DEMO = LIVE | {"allow_private": True, "allow_http": True}


@pytest.mark.parametrize(("address", "name"), REFUSED)
def test_refuses(address, name):
    assert forbidden_range(address) == name
    assert forbidden_range(ip_address(address)) == name


@pytest.mark.parametrize("address", PUBLIC)
def test_lets_through(address):
    assert forbidden_range(address) is None


@pytest.mark.parametrize(("address", "name"), REFUSED)
def test_allow_private_opens_private_networks_and_nothing_else(address, name):
    assert forbidden_range(address, allow_private=True) == (None if name in OPENED_BY_ALLOW_PRIVATE else name)


@pytest.mark.parametrize("row", FORBIDDEN_RANGES, ids=lambda row: str(row.network))
def test_every_row_refuses_its_ends_and_names_its_source(row):
    assert forbidden_range(row.network[0]) is not None
    assert forbidden_range(row.network[-1]) is not None
    assert row.name
    assert row.source


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "[::1]", "1.2.3.4 "]
)
def test_text_that_is_no_plain_address_raises(text):
    with pytest.raises(ValueError, match="does not appear to be"):
        forbidden_range(text)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_its_ipv4(address):
    assert forbidden_range(IPv6Address(f"::ffff:{address}")) == forbidden_range(address)


@given(st.ip_addresses(v=4), st.sampled_from(["64:ff9b::/96", "::/96", "::ffff:0:0:0/96"]))
def test_no_prefix_that_carries_an_ipv4_address_opens_a_way(address, prefix):
    assert forbidden_range(IPv6Address(int(ip_network(prefix)[0]) + int(address))) is not None


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_let_through(address):
    if forbidden_range(address) is None and not (isinstance(address, IPv6Address) and address.ipv4_mapped):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://127.0.0.1/", "address_forbidden"),
        ("https://127.0.0.1./", "address_spelling"),
        ("https://127.1/", "address_spelling"),
        ("https://127.0x1/", "address_spelling"),
        ("https://0x7f.1/", "address_spelling"),
        ("https://0X7F000001/", "address_spelling"),
        ("https://0x7f000001./", "address_spelling"),
        ("https://2130706433/", "address_spelling"),
        ("https://0177.0.0.1/", "address_spelling"),
        ("https://017700000001/", "address_spelling"),
        ("https://127.0.0.1.2/", "address_spelling"),
        ("https://0/", "address_spelling"),
        ("https://%31%32%37.0.0.1/", "address_spelling"),
        ("https://１２７.０.０.１/", "address_forbidden"),
        ("https://①②⑦.⓪.⓪.①/", "address_forbidden"),
        ("https://127。0。0。1/", "address_forbidden"),
        ("https://127．0｡0．1/", "address_forbidden"),
        ("https://１２７.1。/", "address_spelling"),
        ("https://٢.٣.٤.٥/", "host_invalid"),
        ("https://169.254.169.254/latest/meta-data/", "address_forbidden"),
        ("https://[::1]/", "address_forbidden"),
        ("https://[0:0:0:0:0:0:0:1]/", "address_forbidden"),
        ("https://[::ffff:127.0.0.1]/", "address_forbidden"),
        ("https://[::FFFF:7F00:1]/", "address_forbidden"),
        ("https://[64:ff9b::7f00:1]/", "address_forbidden"),
        ("https://[fe80::1%25eth0]/", "address_forbidden"),
        ("https://[fe80::1%eth0]/", "address_forbidden"),
        ("https://[v1.x]/", "address_spelling"),
        ("https://[::1/", "host_invalid"),
        ("https://::1/", "host_invalid"),
        ("https://localhost/", "host_is_local"),
        ("https://LocalHost./", "host_is_local"),
        ("https://ｌｏｃａｌｈｏｓｔ/", "host_is_local"),
        ("https://a.localhost/", "host_is_local"),
        ("https://printer.local/", "host_is_local"),
        ("https://metadata.google.internal/", "host_is_local"),
        ("https://router.home.arpa/", "host_is_local"),
        ("https://postgres/", "host_is_local"),
        ("https://a..example.com/", "host_invalid"),
        ("https://./", "host_invalid"),
        ("https://-a.example.com/", "host_invalid"),
        ("https://" + "a" * 64 + ".example.com/", "host_invalid"),
        ("https://" + "a." * 130 + "com/", "host_invalid"),
        ("https://xn--/", "host_invalid"),
        ("https://☃.example.com/", "host_invalid"),
        ("https://example.com%00.evil.test/", "host_invalid"),
        ("https:///path", "host_invalid"),
        ("https://example.com:/", "host_invalid"),
        ("https://example.com:port/", "host_invalid"),
        ("https://example.com:٤٤٣/", "host_invalid"),
        ("https://example.com:0/", "port_not_allowed"),
        ("https://example.com:22/", "port_not_allowed"),
        ("https://example.com:65536/", "port_not_allowed"),
        ("http://example.com/", "scheme_not_allowed"),
        ("ftp://example.com/", "scheme_not_allowed"),
        ("file:///etc/passwd", "scheme_not_allowed"),
        ("gopher://example.com:443/", "scheme_not_allowed"),
        ("https://user@example.com/", "userinfo_not_allowed"),
        ("https://user:word@example.com/", "userinfo_not_allowed"),
        ("https://example.com@127.0.0.1/", "userinfo_not_allowed"),
        ("https://@example.com/", "userinfo_not_allowed"),
        ("https://example.com/#part", "fragment_not_allowed"),
        ("https://example.com#", "fragment_not_allowed"),
        ("", "url_malformed"),
        ("example.com", "url_malformed"),
        ("//example.com/", "url_malformed"),
        ("https:example.com", "url_malformed"),
        (" https://example.com/", "url_malformed"),
        ("https://example.com/a b", "url_malformed"),
        ("https://example.com/\r\nX: y", "url_malformed"),
        ("https://exam\tple.com/", "url_malformed"),
        ("https://example.com\\@127.0.0.1/", "url_malformed"),
        ("https://example.com/\udc80", "url_malformed"),
        ("https://example.com/" + "a" * 2029, "url_too_long"),
    ],
)
def test_a_url_is_refused(url, code):
    with pytest.raises(TargetRefused) as caught:
        read_url(url, **LIVE)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/Path", "https://example.com/Path"),
        ("https://example.com./hook?a=b&c=%20d", "https://example.com/hook?a=b&c=%20d"),
        ("https://example.com?x=https://user@127.0.0.1/", "https://example.com/?x=https://user@127.0.0.1/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://my_hook.example.com/", "https://my_hook.example.com/"),
        ("https://bücher.example.com/ñ", "https://xn--bcher-kva.example.com/%C3%B1"),
        ("https://ex\u00adample.com/", "https://example.com/"),
        ("https://0x7f.example.com/", "https://0x7f.example.com/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
        ("https://example.com/" + "a" * 2028, "https://example.com/" + "a" * 2028),
    ],
)
def test_a_url_is_brought_into_one_form(url, dialled):
    built = read_url(url, **LIVE)
    # The default port is not part of what the server sees as Host.
    assert f"{built.scheme}://{built.host_port_subcomponent}{built.raw_path_qs}" == dialled


@pytest.mark.parametrize(
    "host", ["api.conecta.example", "API.Conecta.Example.", "ａpi.conecta.example", "xn--caf-dma.example"]
)
def test_our_own_hosts_are_refused(host):
    rules = LIVE | {"own_hosts": frozenset({"API.conecta.example.", "café.example"})}
    with pytest.raises(TargetRefused) as caught:
        read_url(f"https://{host}/", **rules)
    assert caught.value.code == "host_is_ours"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/",
        "http://sink:9000/",
        "http://127.0.0.1:1/",
        "https://[::1]:9/",
        "https://10.0.0.1/",
    ],
)
def test_a_demo_may_call_its_own_network(url):
    assert str(read_url(url, **DEMO)) == url


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://0.0.0.0/", "http://127.1/", "http://[fe80::1]/"]
)
def test_a_demo_may_not_call_more(url):
    with pytest.raises(TargetRefused):
        read_url(url, **DEMO)


@given(st.ip_addresses(v=4), st.sampled_from(["{0:d}", "{0:#x}", "0{1:o}.{2}", "{1:#x}.{2:#x}", "{3}."]))
def test_no_odd_spelling_of_any_address_passes(address: IPv4Address, form: str):
    number = int(address)
    text = form.format(number, number >> 24, number & 0xFFFFFF, address)
    with pytest.raises(TargetRefused):
        read_url(f"https://{text}/", **LIVE)
