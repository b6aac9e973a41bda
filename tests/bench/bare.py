"""The bare pymodbus client that the box is compared with: `python -m bench.bare SECONDS PORT...`.

Reads 50 values of each device, one request a value as examples do it, each device once a second; prints the CPU seconds that
reading took and how many values it read.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from pymodbus.client import AsyncModbusTcpClient

TAGS = 50


async def main(seconds: float, ports: list[int]) -> None:
    """Poll all devices side by side. Raises RuntimeError when one does not answer."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port) for port in ports]
    for client in clients:
        if not await client.connect():
            raise RuntimeError(f"{client} does not connect")
    before, end = time.process_time(), time.monotonic() + seconds
    values = await asyncio.gather(*(_poll(client, end) for client in clients))
    print(json.dumps({"cpu_s": time.process_time() - before, "values": sum(values)}))
    for client in clients:
        client.close()


async def _poll(client: AsyncModbusTcpClient, end: float) -> int:
    count = 0
    while (began := time.monotonic()) < end:
        for tag in range(TAGS):
            answer = await client.read_holding_registers(2 * tag, count=2)
            if answer.isError():
                raise RuntimeError(str(answer))
            client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
            count += 1
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
    return count


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
