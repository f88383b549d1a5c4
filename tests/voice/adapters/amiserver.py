"""Not Asterisk: a small server that speaks the Manager Interface on loopback as its documentation describes it, for tests of the client."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field


@dataclass
class AmiServer:
    """Lets ``madoguchi``/``secret`` in by MD5 or plain, sends what :meth:`say` is given, answers pings unless ``mute``."""

    secret: str = "secret"
    challenge: str = "911725589"
    mute: bool = False
    refuse: int = 0
    actions: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    came: asyncio.Queue[asyncio.StreamWriter] = field(default_factory=asyncio.Queue)

    async def __aenter__(self) -> AmiServer:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self.server.close()

    async def say(self, writer: asyncio.StreamWriter, *messages: dict[str, str]) -> None:
        for message in messages:
            writer.write(("".join(f"{name}: {value}\r\n" for name, value in message.items()) + "\r\n").encode())
        await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        while True:
            action: dict[str, str] = {}
            while line := (await reader.readline()).decode().strip():
                name, _, value = line.partition(": ")
                action[name] = value
            if not action:
                writer.close()
                return
            self.actions.append(action)
            number = {"ActionID": action["ActionID"]}
            if action["Action"] == "Challenge":
                await self.say(writer, {"Response": "Success", **number, "Challenge": self.challenge})
            elif action["Action"] == "Ping" and not self.mute:
                await self.say(writer, {"Response": "Success", **number, "Ping": "Pong", "Timestamp": "1627089414.908005"})
            elif action["Action"] == "Login":
                key = hashlib.md5((self.challenge + self.secret).encode()).hexdigest()
                right = action.get("Key") == key or action.get("Secret") == self.secret
                if self.refuse or not right:
                    self.refuse = max(self.refuse - 1, 0)
                    await self.say(writer, {"Response": "Error", **number, "Message": "Authentication failed"})
                else:
                    accepted = {"Response": "Success", **number, "Message": "Authentication accepted"}
                    await self.say(writer, {"Event": "FullyBooted", "Privilege": "system,all"}, accepted)
                    await self.came.put(writer)
