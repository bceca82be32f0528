"""The page docs/reference/desk-api.md, written from the table of endpoints.

To regenerate it::

    PYTHONPATH=tests python tests/desk/api_page.py > docs/reference/desk-api.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold_desk import authentication, desk_errors
from anchorhold_desk.answers import CLAIM_LIFE, KEPT
from anchorhold_desk.api import http_problems
from anchorhold_desk.api.endpoint import JSON
from anchorhold_desk.api.openapi import query_parameters
from anchorhold_desk.api.reading import MAX_BODY
from anchorhold_desk.api.table import ENDPOINTS
from anchorhold_desk.http_errors import STATUSES
from anchorhold_desk.roles import RIGHTS

if TYPE_CHECKING:
    from anchorhold_desk.api.endpoint import Endpoint

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "desk-api.md"
REGENERATE: Final = "PYTHONPATH=tests python tests/desk/api_page.py > docs/reference/desk-api.md"
UNFIT: Final = 422
"""What has no status of its own."""
HEAD: Final = """\
# REST API of the desk

`anchorhold desk` serves it below `/api/v1`. Its description (OpenAPI 3.1), with all members of requests and responses,
is at `/api/v1/openapi.json`.

## Authentication

A program sends an API token: `Authorization: Bearer ahd_…`. A person makes it at the desk for some acts and until a
date; it can do no more than the account, and never administers accounts. The desk's own pages send the cookie of their
session; then requests that change something need `Origin` with the desk's URL.

## Examples

`DESK` is the URL of the desk. The token is in a file that curl reads, so that it is in no list of processes:

<!-- not run: a test of the desk runs these -->
```bash
curl -sf --header @token.header "$DESK/api/v1/me"
```

Submit a request, with a key by which it can be repeated:

<!-- not run: a test of the desk runs these -->
```bash
jq -n --rawfile csr request.pem '{authority: "Issuing", csr: $csr, names: ["www.example.com"]}' |
    curl -sf --header @token.header --header 'Idempotency-Key: 8f14e45f-ceea-467f-a9d4-1c3b5f0e6a11' \\
        --json @- "$DESK/api/v1/requests"
```

See what waits, and approve it as another person:

<!-- not run: a test of the desk runs these -->
```bash
number=$(curl -sf --header @approver.header "$DESK/api/v1/requests?status=waiting" | jq .items[0].number)
curl -sf --header @approver.header --request POST "$DESK/api/v1/requests/$number/approve"
```

Download the certificate with its chain, and revoke it:

<!-- not run: a test of the desk runs these -->
```bash
serial=$(curl -sf --header @token.header "$DESK/api/v1/requests/$number" | jq -r .serial)
curl -sf --header @token.header --header 'Accept: application/pem-certificate-chain' \\
    --output chain.pem "$DESK/api/v1/certificates/$serial"
curl -sf --header @operator.header --json '{"reason": "superseded"}' "$DESK/api/v1/certificates/$serial/revoke"
```

`token.header` has one line, `Authorization: Bearer` and the token.

## Python client

`pip install 'anchorhold-desk[client]'` adds a typed client. It returns the objects that OpenAPI describes, reads lists
page by page, and raises `DeskError` with `status` and `code`:

<!-- not run: it needs a desk -->
```python
from pathlib import Path

from anchorhold_desk.client import DeskClient

token = Path("token").read_text().strip()
with DeskClient("https://desk.example.com", token) as desk:
    kept = desk.submit("Issuing", Path("request.pem").read_text(), names=["www.example.com"])
    print(kept.number, kept.status)
    for certificate in desk.certificates(authority="Issuing"):
        print(certificate.serial, certificate.not_after)
```

## Endpoints

<!-- Generated: REGENERATE -->

A *right* is granted with a role, for one authority or for all. An act that is not allowed gets 403 and is recorded.

| endpoint | what it does | right | query parameters |
|---|---|---|---|
"""
ROLES_HEAD: Final = """
## Roles and rights

| role | rights |
|---|---|
"""
TAIL: Final = """
## Requests and responses

- Content is JSON in UTF-8, MAXKIB KiB at most. Unknown members and parameters are errors.
- Certificates and authorities have the members of [JSON output](../json.md). Times are ISO 8601 in UTC.
- A list with `next` comes in pages: send the value back as `cursor`; `null` marks the last page. `limit` is 1 to 1000,
  and 100 by default.
- The response for a single object has an `ETag`. With `If-None-Match` the response is 304 while nothing has changed.
  `PATCH` of an account takes `If-Match`: if someone has changed the account since, the response is 412 and nothing is
  changed.
- `GET /certificates/{serial}` returns JSON, `application/pem-certificate-chain` or `application/pkix-cert`, as `Accept`
  says.

## Idempotency keys

Each `POST` takes `Idempotency-Key`, 1 to 64 visible ASCII characters, such as a UUID. The key belongs to the account
that sends it. What a second request with the same key gets:

| the first request | response |
|---|---|
| succeeded | the same response, with `Idempotency-Replayed: true`; responses are kept for KEPTHOURS hours |
| succeeded, and its response contained a secret (a token, a link) | 409 `answer-not-kept`: secrets are not kept |
| failed | the request is carried out: failures are not kept |
| is still being processed | 409 `in-progress` |
| was cut off, because the desk was killed | 409 `in-progress` for CLAIMMINUTES minutes, then it is carried out |
| had another method, path or content | 422 `idempotency-key-reused`; secrets in the content are not compared |

A request for a certificate that was submitted before the desk was killed, or before the first request failed, is
continued by the second one, not submitted again: there is one certificate.

## Errors

An error is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, and as extensions `code`,
`hint` and `remedy`. `code` never changes; it is one of [Exit codes](../exit-codes.md) or:

| status | `code` | meaning |
|---:|---|---|
"""


def page() -> str:
    """The page as it must be."""
    head = HEAD.replace("REGENERATE", REGENERATE)
    tail = TAIL.replace("MAXKIB", str(MAX_BODY // 1024)).replace("KEPTHOURS", str(KEPT // 3600))
    tail = tail.replace("CLAIMMINUTES", str(CLAIM_LIFE // 60))
    roles = "".join(f"| {role} | {', '.join(sorted(acts))} |\n" for role, acts in RIGHTS.items())
    return f"{head}{''.join(map(_row, ENDPOINTS))}{ROLES_HEAD}{roles}{tail}{''.join(_errors())}"


def _row(endpoint: Endpoint) -> str:
    summary = endpoint.summary
    if endpoint.for_people:
        summary += " (in a session, not with a token)"
    if len(endpoint.media) > 1:
        summary += f" ({', '.join(f'`{media}`' for media in endpoint.media if media != JSON)})"
    right = " or ".join(endpoint.acts) or "none"
    parameters = ", ".join(f"`{parameter['name']}`" for parameter in query_parameters(endpoint))
    return f"| `{endpoint.method} {endpoint.path}` | {summary} | {right} | {parameters} |\n"


def _errors() -> list[str]:
    found = {
        error
        for module in (authentication, desk_errors, http_problems)
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, AnchorholdError) and error.__module__ == module.__name__
    } - {http_problems.HttpError}
    rows = {(_status(error), error.code, _meaning(error)) for error in found}
    return [f"| {status} | `{code}` | {meaning} |\n" for status, code, meaning in sorted(rows)]


def _status(error: type[AnchorholdError]) -> int:
    if issubclass(error, http_problems.HttpError):
        return error.status
    return next((STATUSES[kind] for kind in error.__mro__ if kind in STATUSES), UNFIT)


def _meaning(error: type[AnchorholdError]) -> str:
    """The first paragraph of the docstring of the class, on one line."""
    return " ".join((error.__doc__ or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(page())
