"""HTTP without certificates: to load those to trust takes longer than most requests."""

import ssl
from functools import partial

import httpx2

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Client = partial(httpx2.Client, verify=TRUSTS_NOBODY, trust_env=False)
AsyncClient = partial(httpx2.AsyncClient, verify=TRUSTS_NOBODY, trust_env=False)
get = partial(httpx2.get, verify=TRUSTS_NOBODY, trust_env=False)
post = partial(httpx2.post, verify=TRUSTS_NOBODY, trust_env=False)
delete = partial(httpx2.delete, verify=TRUSTS_NOBODY, trust_env=False)
stream = partial(httpx2.stream, verify=TRUSTS_NOBODY, trust_env=False)
