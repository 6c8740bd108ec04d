"""The certificate of the SMTP port: two files, read again when they change."""

from __future__ import annotations

import ssl
from pathlib import Path

from gatepost.base import log
from gatepost.base.settings import ConfigError


class Certificate:
    """What the port shows. Used from the event loop alone."""

    def __init__(self, cert: str, key: str) -> None:
        """Read it; raises ConfigError."""
        self._files = (Path(cert), Path(key))
        self._log = log.get("submission")
        try:
            self._seen = self._stamp()
            self._context = self._read()
        except (OSError, ValueError) as error:
            raise ConfigError(f"submission_tls_cert, submission_tls_key: {error}") from None

    def context(self) -> ssl.SSLContext:
        """How the next connection is encrypted. Files that cannot be read change nothing."""
        try:
            now = self._stamp()
            if now != self._seen:
                self._seen = now
                self._context = self._read()
        except (OSError, ValueError) as error:
            self._log.warning("the new certificate cannot be read", reason=str(error))
        return self._context

    def _stamp(self) -> tuple[int, ...]:
        return tuple(one.stat().st_mtime_ns for one in self._files)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files, password="")  # an encrypted key is refused
        return context
