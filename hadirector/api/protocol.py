"""Answers data that is not HTTP with a problem document, like all other errors."""

from __future__ import annotations

import secrets
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from hadirector.api.exchange import problem_answer
from hadirector.api.problems import Code, Fault, ProblemError

REQUEST_LINE_BYTES_MAX: Final = 8190
"""The limit of aiohttp on the request line and on each header."""


class ApiProtocol(web.RequestHandler):
    """The HTTP protocol of one connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # the signature is that of aiohttp
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that aiohttp cannot parse.

        The connection is then closed.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is being sent already")
        if isinstance(exc, LineTooLong):
            detail = f"the request has a line or a header above {REQUEST_LINE_BYTES_MAX} bytes"
        else:
            detail = f"the request is not HTTP: {message or exc}".split("\n", 1)[0]
        problem = ProblemError(Code.MALFORMED, detail, [Fault(detail, expected="HTTP/1.1")])
        response = problem_answer(problem.describe("", secrets.token_hex(8)), {})
        response.force_close()
        return response
