"""What a director that only observes leaves out, and what it looks at besides."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from checks.definition.options import HttpProbe, HttpsProbe, TcpProbe
from checks.definition.result import Reason, Result
from hadirector.director.closer_look import closer_checks, describe
from hadirector.director.observing import observed_configuration
from hadirector.model.configuration import RealServer, SysctlPolicy
from hadirector.model.ipvs import ConnectionTimeouts, DestinationKey, ForwardingMethod
from tests.builders import a_check, a_configuration, a_virtual_server, an_instance
from vrrp.model.configuration import TrackedKey, TrackedObject

DIRECTORY = PurePosixPath("/run/observe")


def a_server(port: int, **fields: object) -> RealServer:
    key = DestinationKey("192.0.2.1", port)
    return RealServer(key=key, weight=1, check=a_check(key, **fields))


def test_everything_that_changes_the_host_is_left_out() -> None:
    tracked = TrackedObject(key=TrackedKey("script", "/usr/bin/check"))
    observed = observed_configuration(
        a_configuration(
            a_virtual_server(a_server(80)),
            vrrp=(an_instance(track=(tracked,)),),
            realtime=True,
            connection_timeouts=ConnectionTimeouts(tcp=60),
        ),
        DIRECTORY,
    )
    assert observed.observing
    assert observed.on_stop == "keep"
    assert not observed.realtime
    assert observed.sysctls == SysctlPolicy(apply=False)
    assert observed.connection_timeouts == ConnectionTimeouts()
    assert (observed.sync_daemon, observed.notifications, observed.tracked_scripts) == (
        None,
        (),
        (),
    )
    assert observed.vrrp == (an_instance(),)
    assert observed.virtual_servers == (a_virtual_server(a_server(80)),)
    assert observed.api_unix == "/run/observe/api.sock"
    assert observed.runtime_directory == "/run/observe"
    assert observed.state_directory == "/run/observe/state"


def test_a_configuration_that_no_other_program_can_serve_is_refused() -> None:
    with pytest.raises(ValueError, match="dataplane userspace cannot be observed"):
        observed_configuration(a_configuration(dataplane="userspace"), DIRECTORY)
    fullnat = a_virtual_server(forwarding=ForwardingMethod.FULLNAT)
    with pytest.raises(ValueError, match="virtual server web: forwarding fullnat"):
        observed_configuration(a_configuration(fullnat), DIRECTORY)


def test_a_plain_tcp_check_on_a_port_of_http_is_looked_at_closer() -> None:
    servers = (a_server(80), a_server(443), a_server(5432), a_server(8080, probe=HttpProbe()))
    checks = closer_checks(a_configuration(a_virtual_server(*servers)))
    assert {name: check.probe for name, check in checks.items()} == {
        "web/192.0.2.1:80": HttpProbe(expect_status=((100, 499),)),
        "web/192.0.2.1:443": HttpsProbe(expect_status=((100, 499),), tls_verify=False),
    }


def test_a_check_that_reads_an_answer_is_not_looked_at_closer() -> None:
    server = a_server(80, probe=TcpProbe(send=b"x", expect="y"))
    assert closer_checks(a_configuration(a_virtual_server(server))) == {}


def test_only_an_answer_with_an_error_of_the_server_is_a_warning() -> None:
    results = {
        "web/a": Result(Reason.STATUS, "status 503, expected 100-499", 0.1),
        "web/b": Result(Reason.PASSED, "status 404", 0.1),
        "web/c": Result(Reason.PROTOCOL, "not HTTP", 0.1),
    }
    assert describe(results) == (
        "web/a accepts connections, but a request for / fails: status: status 503, expected"
        " 100-499; its check only connects",
    )
