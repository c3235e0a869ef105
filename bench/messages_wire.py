"""A wire between a client and a server on this machine that takes its time, as a real one does.

python -m bench.messages_wire SECONDS HOST PORT       SECONDS there and back; prints its address
"""

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """What comes in goes out, all of it so much later; nothing waits for what was before it."""
    loop = asyncio.get_running_loop()
    while piece := await reader.read(65_536):
        loop.call_later(delay, writer.write, piece)
    loop.call_later(delay, writer.close)


async def main(seconds: float, host: str, port: int) -> None:
    async def lay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(
            carry(reader, there_writer, seconds / 2), carry(there_reader, writer, seconds / 2)
        )

    server = await asyncio.start_server(lay, "127.0.0.1", 0)
    port_here = server.sockets[0].getsockname()[1]
    print(f"127.0.0.1:{port_here}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
