"""Faults of an agency for tests: what goes wrong between a mock agency and its caller."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from klimatpuls.mock_agencies.wire import page_reply, too_many_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.mock_agencies.wire import Reply, Request


@dataclass(kw_only=True)
class Faults:
    """A ``MockServer.change`` that spoils answers; nothing by default.

    Attributes:
        route: Part of the path that is hit; an empty text hits every route.
        html_200: Answer with an HTML page and status 200.
        truncate: Send the first half of the body and announce just that.
        reset_half_way: Announce the whole body, send half and reset the connection.
        too_many_first_n: Answer the first n calls with 429.
        retry_after_seconds: What those calls say in ``Retry-After``.
        slow_seconds: Wait this long before an answer.
    """

    route: str = ""
    html_200: bool = False
    truncate: bool = False
    reset_half_way: bool = False
    too_many_first_n: int = 0
    retry_after_seconds: int = 1
    slow_seconds: float = 0.0

    def __call__(self, agency: str, request: Request, answer: Callable[[Request], Reply]) -> Reply:
        if self.route not in f"/{agency}{request.path}":
            return answer(request)
        time.sleep(self.slow_seconds)
        if self.too_many_first_n > 0:
            self.too_many_first_n -= 1
            return too_many_reply(self.retry_after_seconds)
        if self.html_200:
            return page_reply(200, "Tekniskt fel")
        reply = answer(request)
        if self.truncate:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        return replace(reply, is_reset_half_way=self.reset_half_way)
