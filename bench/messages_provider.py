"""An HTTP provider that takes everything after a set wait: python -m bench.messages_provider 0.05

Prints its address. It answers any number of clients at once; each waits the same.
"""

import asyncio
import sys

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            await asyncio.sleep(WAIT)
            writer.write(YES)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    WAIT = float(sys.argv[1])
    asyncio.run(main())
