"""What is well and when things expire, as gauges for Prometheus."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from anchorhold_server.health import AuthorityHealth, Health

_TIMESTAMPS: Final[dict[str, tuple[str, Callable[[AuthorityHealth], dt.datetime | None]]]] = {
    "ca_certificate_not_after": ("End of the certificate of the CA (notAfter).", attrgetter("certificate_expires")),
    "responder_certificate_not_after": (
        "End of the certificate of the OCSP responder (notAfter).",
        attrgetter("responder_expires"),
    ),
    "crl_this_update": ("Beginning of the newest full CRL (thisUpdate).", attrgetter("crl_made")),
    "crl_next_update": ("End of the newest full CRL (nextUpdate).", attrgetter("crl_expires")),
}
"""Moments of each authority by the names of their metrics, which end with ``_timestamp_seconds``."""


def health_metrics(health: Health) -> Iterable[Metric]:
    """The gauges of a server, moments in seconds since 1970."""
    yield GaugeMetricFamily(
        "anchorhold_ledger_reachable", "Whether the ledger can be read.", value=float(health.ledger)
    )
    ready = GaugeMetricFamily(
        "anchorhold_authority_ready", "Whether the responder and the CRLs of a CA are good.", labels=("ca",)
    )
    for authority in health.authorities:
        ready.add_metric((authority.name,), float(not authority.problems))
    yield ready
    for name, (text, moment_of) in _TIMESTAMPS.items():
        family = GaugeMetricFamily(f"anchorhold_{name}_timestamp_seconds", text, labels=("ca",))
        for authority in health.authorities:
            moment = moment_of(authority)
            if moment is not None:
                family.add_metric((authority.name,), moment.timestamp())
        yield family
