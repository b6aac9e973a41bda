"""The enterprise's and the park's people who file, decide and withdraw exemptions over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contract.rooms import Service

ENTERPRISE: dict[str, Any] = {"by": "企业安全员", "role": "enterprise"}
LEADER: dict[str, Any] = {"by": "园区班长", "role": "shift_leader"}
OTHER_LEADER: dict[str, Any] = {"by": "另一班长", "role": "shift_leader"}


def ahead(service: Service, seconds: float) -> str:
    """So many seconds from now, as people send it."""
    now = datetime.fromtimestamp(service.room.clock.now() / 1_000_000, UTC)
    return (now + timedelta(seconds=seconds)).isoformat()


def filing(service: Service, until_s: float = 3600, begin_s: float | None = None, **more: Any) -> dict[str, Any]:
    """The body of a filing for E01/V-1; `more` in place of what it says."""
    begins = {} if begin_s is None else {"from": ahead(service, begin_s)}
    target = {} if "source" in more else {"unit": "E01/V-1"}
    return {**target, "kind": "检修", "reason": "清罐检修", **begins, "until": ahead(service, until_s), **ENTERPRISE, **more}


async def post(service: Service, path: str, status: int, body: dict[str, Any]) -> dict[str, Any]:
    answer = await service.http.post(f"/api/v1/exemptions{path}", json=body)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


async def file(service: Service, until_s: float = 3600, begin_s: float | None = None, **more: Any) -> int:
    """File one; its number."""
    return (await post(service, "", 201, filing(service, until_s, begin_s, **more)))["id"]


async def approved(service: Service, until_s: float = 3600, begin_s: float | None = None, **more: Any) -> int:
    """File one and have it approved; its number."""
    number = await file(service, until_s, begin_s, **more)
    await approve(service, number)
    return number


async def approve(service: Service, number: int, status: int = 200) -> dict[str, Any]:
    return await post(service, f"/{number}/approve", status, {**LEADER, "reason": "检修票已核对"})


async def withdraw(service: Service, number: int, status: int = 200) -> dict[str, Any]:
    return await post(service, f"/{number}/withdraw", status, {**ENTERPRISE, "reason": "检修提前结束"})


async def one(service: Service, number: int) -> dict[str, Any]:
    answer = await service.http.get(f"/api/v1/exemptions/{number}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def numbers(service: Service, **query: Any) -> list[int]:
    """Numbers of the list that is asked for."""
    answer = await service.http.get("/api/v1/exemptions", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]
