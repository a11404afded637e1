from datetime import timedelta

from registration.observability import metrics


class PrometheusProgress:
    """A Progress."""

    def count_registered(self) -> None:
        metrics.REGISTERED.inc()

    def count_code_issued(self) -> None:
        metrics.CODES_ISSUED.inc()

    def count_taken_address(self) -> None:
        metrics.TAKEN_ADDRESSES.inc()

    def count_activated(self, since_acceptance: timedelta | None) -> None:
        metrics.ACTIVATED.inc()
        if since_acceptance is not None:
            metrics.ACTIVATION_SECONDS.observe(since_acceptance.total_seconds())

    def count_erased(self) -> None:
        metrics.ERASED.inc()
