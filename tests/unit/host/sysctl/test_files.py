"""Texts of the kernel that are not ASCII are read."""

from pathlib import Path

from hadirector.host.sysctl import files


def test_an_interface_name_that_is_not_ascii_is_read(tmp_path: Path) -> None:
    """ip(8) accepts an interface named with the bytes C3 A9; /proc/net/route prints them."""
    file = tmp_path / "route"
    header = b"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    file.write_bytes(header + b"\xc3\xa90\t0000000A\t0\t1\t0\t0\t0\t000000FF\t0\t0\t0\n")
    routes = files.read_routes(file)
    assert files.interfaces_towards(["10.0.0.1"], routes) == {"\udcc3\udca90"}
