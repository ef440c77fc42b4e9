"""The endpoints, over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autotts_serve.answering import Answering, Service
from autotts_serve.api_keys import ApiKeys
from autotts_serve.refusal import Refusal
from autotts_serve.replies import ChatReply, CompletionReply, Reply
from autotts_serve.requests import read_request

logger = logging.getLogger("autotts.serve")

PROGRESS_SECONDS = 1.0
"""Between the comments that tell a streaming client that its answer is being worked on."""
_BODY_SECONDS = 60.0
"""In which a request's body has to come in."""


def application(service: Service, keys: ApiKeys, form: str) -> ASGIApp:
    """All endpoints. `form` is a reply's text, with `{answer}` where the answer stands."""
    endpoints = _Endpoints(service, form)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", endpoints.chat, methods=["POST"]),
            Route("/v1/completions", endpoints.completions, methods=["POST"]),
            Route("/v1/models", endpoints.models),
            Route("/v1/models/{model:path}", endpoints.model),
            Route("/health", endpoints.health),
            Route("/metrics", endpoints.metrics),
        ],
        exception_handlers={
            Refusal: endpoints.refused,
            HTTPException: endpoints.not_served,
            Exception: endpoints.failed,
        },
    )
    return _Front(app, service, keys)


class _Front:
    """Before all endpoints: asks for keys, and gives each reply an id."""

    def __init__(self, app: ASGIApp, service: Service, keys: ApiKeys) -> None:
        self._app = app
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = scope.setdefault("state", {})["name"] = uuid.uuid4().hex

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        authorization = Request(scope).headers.get("authorization")
        if scope["path"].startswith("/v1/") and not self._keys.admits(authorization):
            message = "Incorrect API key provided." if authorization else "No API key provided."
            refusal = Refusal(401, message, code="invalid_api_key")
            await _error(self._service, refusal)(scope, receive, marked)
            return
        try:
            await self._app(scope, receive, marked)
        except ClientDisconnect:
            logger.info("%s: the client has gone", name)


class _Endpoints:
    def __init__(self, service: Service, form: str) -> None:
        self._service = service
        self._form = form

    async def chat(self, http: Request) -> Response:
        return await self._answer(http, ChatReply)

    async def completions(self, http: Request) -> Response:
        return await self._answer(http, CompletionReply)

    async def models(self, http: Request) -> Response:
        names = self._service.catalogue.names()
        return JSONResponse({"object": "list", "data": [_model(name) for name in names]})

    async def model(self, http: Request) -> Response:
        name = http.path_params["model"]
        self._service.catalogue.choice(name)
        return JSONResponse(_model(name))

    async def health(self, http: Request) -> Response:
        if self._service.closed:
            return JSONResponse({"status": "shutting down"}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(self, http: Request) -> Response:
        text = self._service.metrics.exposition()
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def refused(self, http: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return _error(self._service, error)

    async def not_served(self, http: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = f"{HTTPStatus(error.status_code).phrase}: {http.method} {http.url.path[:200]}"
        return _error(self._service, Refusal(error.status_code, told))

    async def failed(self, http: Request, error: Exception) -> Response:
        return _error(self._service, Refusal(500, "The server failed.", code="internal_error"))

    async def _answer(self, http: Request, kind: type[Reply]) -> Response:
        body = await _body(http, self._service.limits.body_bytes)
        request = read_request(kind.request, body)
        answering = await self._service.begin(request, http.state.name)
        reply = kind(request.model, self._form, request.stream_options.include_usage)
        if request.stream:
            return _AnswerStream(answering, reply)
        return await _whole(http, answering, reply)


async def _body(http: Request, most: int) -> bytes:
    too_large = Refusal(413, f"The request is larger than {most:,} bytes.")
    declared = http.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in http.stream():
                body += piece
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise Refusal(408, f"The request did not come in within {_BODY_SECONDS:g} s.") from None
    return bytes(body)


async def _whole(http: Request, answering: Answering, reply: Reply) -> Response:
    """The answer, unless the client goes away before."""
    # The body has been read: what comes next is that the client has gone.
    gone = asyncio.ensure_future(http.receive())
    try:
        await asyncio.wait([answering.task, gone], return_when=asyncio.FIRST_COMPLETED)
        if gone.done() and not answering.task.done():
            raise ClientDisconnect
        return JSONResponse(reply.whole(answering.result()))
    finally:
        gone.cancel()
        answering.task.cancel()


class _AnswerStream(StreamingResponse):
    """Server-sent events: comments while it is being worked on, then the answer's chunks."""

    media_type = "text/event-stream"

    def __init__(self, answering: Answering, reply: Reply) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(self._events(answering, reply), headers=headers)
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Where the client has gone, all branches with it.
            self._answering.task.cancel()

    async def _events(self, answering: Answering, reply: Reply) -> AsyncIterator[str]:
        for chunk in reply.opening():
            yield _event(chunk)
        while not answering.task.done():
            await asyncio.wait([answering.task], timeout=PROGRESS_SECONDS)
            if not answering.task.done():
                yield f": {answering.progress}\n\n"
        try:
            answered = answering.result()
        except Refusal as refusal:
            yield _event(refusal.body)
            return
        for chunk in reply.chunks(answered):
            yield _event(chunk)
        yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "autotts"}


def _error(service: Service, refusal: Refusal) -> Response:
    service.metrics.refused.labels(str(refusal.status)).inc()
    return JSONResponse(refusal.body, refusal.status, refusal.headers)
