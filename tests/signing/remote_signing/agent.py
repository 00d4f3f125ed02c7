"""The signing program on somebody's desk, of VGCA's kind: it fetches a file over HTTP, has it signed by the token (here
`openssl cms -sign -cades` over the byte range) and posts it back. It knows no session and no database.
"""

import base64
import hashlib
import json
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pyhanko.sign.fields import FieldMDPSpec, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from signing.pdf.deferred_signing import ROOM, Begun, begin, finish
from signing.pdf.pades import DIGEST, FIELD_PERSON, FIELD_SEAL, writer_for

Change = Callable[[bytes], bytes]
TIMEOUT_S = 120


@dataclass
class Agent:
    """A program with one token. `before` and `after` are what a dishonest one does to the file; `locks` is what one
    that is set so forbids with its signature, and `lock` what it writes into the field."""

    folder: Path
    name: str
    place: str = FIELD_PERSON
    before: Change = lambda data: data
    after: Change = lambda data: data
    locks: SigMDPSetup | None = None
    lock: FieldMDPSpec | None = None
    fetched: list[bytes] = field(default_factory=list)

    @classmethod
    def holding(cls, file: Path, passphrase: bytes, folder: Path, name: str, place: str = FIELD_PERSON) -> "Agent":
        """The token is the key of a PKCS#12 file, in the form that openssl reads."""
        key, certificate, others = pkcs12.load_key_and_certificates(file.read_bytes(), passphrase)
        assert key is not None
        assert certificate is not None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        (folder / "own.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "above.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in others))
        return cls(folder, name, place)

    def do(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """One call of a page: fetch, sign, bring. What the page is told."""
        got = requests.get(parameters["FileName"], timeout=TIMEOUT_S)
        if got.status_code != 200:
            return {"Status": 4, "Message": f"Không tải được tệp ({got.status_code})"}
        self.fetched.append(got.content)
        answer = self.bring(parameters["FileUploadHandler"], self.after(self.signed(self.before(got.content))))
        told = answer.json()
        return {"Status": 0 if told["Status"] is True else 5, "Message": told["Message"]}

    def bring(self, address: str, data: bytes) -> requests.Response:
        return requests.post(address, files={"uploadfile": ("signed.pdf", data, "application/pdf")}, timeout=TIMEOUT_S)

    def signed(self, pdf: bytes) -> bytes:
        begun = begin(pdf, self.place, name=self.name) if self.locks is None else self._begun_locking(pdf, self.locks)
        return finish(begun, self.cms(begun.to_be_signed))

    def _begun_locking(self, pdf: bytes, locks: SigMDPSetup) -> Begun:
        writer = writer_for(pdf)
        level = locks.docmdp_perms
        spec = SigFieldSpec(self.place, field_mdp_spec=self.lock, doc_mdp_update_value=level) if self.lock else None
        steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=self.place, writer=writer)
        next(steps)
        place = SignatureObject(subfilter=SigSeedSubFilter.PADES, name=self.name, bytes_reserved=ROOM)
        steps.send(SigObjSetup(sig_placeholder=place, mdp_setup=locks))
        made, out = steps.send(SigIOSetup(md_algorithm=DIGEST))
        return Begun(out.getvalue(), made.document_digest, made.reserved_region_start, made.reserved_region_end)

    def cms(self, tbs: bytes) -> bytes:
        """What a token makes of the bytes; the private key is in openssl's hands only."""
        source = self.folder / "tbs"
        source.write_bytes(tbs)
        line = ["openssl", "cms", "-sign", "-binary", "-cades", "-nosmimecap", "-md", "sha256", "-outform", "DER"]
        line += ["-signer", "own.pem", "-inkey", "key.pem", "-certfile", "above.pem", "-in", "tbs"]
        return subprocess.run(line, cwd=self.folder, check=True, capture_output=True).stdout


@contextmanager
def listening(agent: Agent, port: int = 0) -> Iterator[str]:
    """The program's WebSocket on this machine. Answers its address."""
    with socket.create_server(("127.0.0.1", port)) as server:
        threading.Thread(target=_accept, args=(server, agent), daemon=True).start()
        try:
            yield f"ws://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)  # who waits at it would keep it open otherwise


def _accept(server: socket.socket, agent: Agent) -> None:
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(caller, agent), daemon=True).start()


def _answer(caller: socket.socket, agent: Agent) -> None:
    """RFC 6455, as much of it as one question and one answer need."""
    with caller, caller.makefile("rb") as lines:
        headers = dict(line.decode().strip().split(": ", 1) for line in iter(lines.readline, b"\r\n") if b": " in line)
        key = headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = hashlib.sha1(key, usedforsecurity=False)
        accept = base64.b64encode(digest.digest()).decode()
        upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        caller.sendall(f"{upgrade}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        _, second = lines.read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", lines.read(2))
        mask, masked = lines.read(4), lines.read(length)
        question = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        said = json.dumps(agent.do(json.loads(question))).encode()
        head = bytes([0x81, len(said)]) if len(said) < 126 else b"\x81\x7e" + struct.pack(">H", len(said))
        caller.sendall(head + said)
        lines.read(2)  # the page closes


def seal_agent(file: Path, passphrase: bytes, folder: Path, name: str) -> Agent:
    """The clerk's program, with the agency's seal on its token."""
    return Agent.holding(file, passphrase, folder, name, FIELD_SEAL)
