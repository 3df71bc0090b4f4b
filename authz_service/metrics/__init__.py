"""
Every Prometheus instrument, fed by listeners; the only room that knows prometheus_client.

No label takes a value that a caller chooses: actions and reasons are those that are
declared, routes are templates. No CPF, CNPJ or client stands in a label.

Several worker processes write into files of one folder, and whichever is scraped reads them all.
A file is of a place, not of a process: who replaces a worker that died goes on in its files, so
totals never go back and files do not pile up. What is counted for every decision and every answer
is counted in ``tally``, the rest by prometheus_client's multiprocess mode.
"""

from authz_service.metrics.instruments import Metrics
from authz_service.metrics.share import Share

__all__ = ["Metrics", "Share"]
