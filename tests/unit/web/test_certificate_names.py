"""The names in the certificate of a client, as `ssl.SSLSocket.getpeercert` returns them."""

from hadirector.web.tls import certificate_names

SUBJECT = ((("countryName", "XY"),), (("commonName", "ann"),))


def test_alternative_names_replace_the_common_name() -> None:
    alternative = (
        ("DNS", "ops.example"),
        ("email", "ann@example.net"),
        ("IP Address", "192.0.2.1"),
    )
    assert certificate_names({"subject": SUBJECT, "subjectAltName": alternative}) == (
        "ops.example",
        "ann@example.net",
    )


def test_without_them_the_common_name_counts() -> None:
    assert certificate_names({"subject": SUBJECT}) == ("ann",)


def test_without_a_certificate_there_is_no_name() -> None:
    assert certificate_names(None) == ()
    assert certificate_names({}) == ()
