"""The page's files: names with a hash in them never change, index.html is asked for each time, .gz where the client takes it."""

from __future__ import annotations

import html
import mimetypes
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from hazmon.api.room import PageBundle

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_REPAIR = "uv pip install --no-deps -e .   (make setup)"


def page_routes(bundle: PageBundle) -> list[BaseRoute]:
    """Routes for everything that is not the API: the page, or a plain sentence about why it is not there."""
    if bundle.fault is None:
        return [Mount("/", PageFiles(directory=bundle.folder), name="page")]

    async def missing(_: object) -> Response:
        return HTMLResponse(_MISSING.format(fault=html.escape(bundle.fault or "")), HTTPStatus.SERVICE_UNAVAILABLE)

    return [Route("/", missing)]


class PageFiles(StaticFiles):
    """Static files with what the room needs: precompressed, cached as long as they are right."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or its compressed twin."""
        name = "index.html" if path == "." else path
        response: Response | None = None
        if name.endswith(".gz"):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if _takes_gzip(Headers(scope=scope)):
            response = await self._compressed(name, scope)
        response = response or await super().get_response(name, scope)
        kind = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
        response.headers["Cache-Control"] = "no-store" if name == "index.html" else kind
        response.headers["Vary"] = "Accept-Encoding"
        response.headers.update(_HEADERS)
        return response

    async def _compressed(self, name: str, scope: Scope) -> Response | None:
        try:
            response = await super().get_response(f"{name}.gz", scope)
        except HTTPException as error:
            if error.status_code == HTTPStatus.NOT_FOUND:
                return None
            raise
        if isinstance(response, FileResponse):
            response.headers["Content-Type"] = _media_type(name)
            response.headers["Content-Encoding"] = "gzip"
        return response


def _takes_gzip(headers: Headers) -> bool:
    for part in headers.get("accept-encoding", "").split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _media_type(name: str) -> str:
    found = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


_MISSING = f"""<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>hazmon</title>
<body style="font:16px/1.6 sans-serif;margin:3em;color:#1e1e1e">
<h1>画面不可用 · The page cannot be served</h1>
<p>{{fault}}</p>
<p>服务与报警照常运行。修复后重启服务：<br>The service and its alarms run. Repair, then restart the service:</p>
<pre>{_REPAIR}</pre></body></html>
"""
