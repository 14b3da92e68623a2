"""The Dockerfile of the image, as the assembler of the layout reads it."""

from __future__ import annotations

import pytest

from tests.image.__main__ import DOCKERFILE
from tests.image.dockerfile import Copy, Run, read_dockerfile


def test_the_image_has_the_properties_that_a_runtime_needs() -> None:
    recipe = read_dockerfile(DOCKERFILE.read_text(), {"VERSION": "1.2.3"})
    labels = recipe.config["Labels"]
    assert isinstance(labels, dict)
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert {name: value for name, value in recipe.config.items() if name != "Labels"} == {
        "Cmd": ["run", "-c", "/etc/hadirector/hadirector.yaml"],
        "Entrypoint": ["hadirector"],
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Healthcheck": {
            "Test": ["CMD", "/usr/bin/hadirector", "status", "--quiet"],
            "Interval": 10_000_000_000,
            "Timeout": 5_000_000_000,
            "StartPeriod": 30_000_000_000,
            "Retries": 3,
        },
        "StopSignal": "SIGTERM",
        "User": "990:990",
        "Volumes": {"/run/hadirector": {}, "/var/lib/hadirector": {}},
    }


def test_steps_keep_their_order_and_mmdebstrap_installs_the_packages() -> None:
    text = (
        '# a comment\nFROM debian:12-slim\nARG PACKAGES="a b"\nRUN apt-get install $PACKAGES\n'
        "COPY one /two\nRUN first \\\n    && second\n"
    )
    recipe = read_dockerfile(text, {})
    assert (recipe.base, recipe.packages) == ("debian:12-slim", ("a", "b"))
    assert recipe.steps == (Copy("one", "/two"), Run("first && second"))


def test_an_unknown_instruction_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown instruction SHELL"):
        read_dockerfile('FROM a\nARG PACKAGES=b\nSHELL ["/bin/bash"]\n', {})
