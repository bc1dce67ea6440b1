"""Stage 4, CHECK: what in the data differs from its schema, how bad it is, and what to do.

Files, in the order to read them: `anomalies` (one finding, and the artifact with its gate),
`checks` (what is looked at).
"""

from __future__ import annotations

from dure.validate.anomalies import Anomalies, Anomaly
from dure.validate.checks import validate

__all__ = ["Anomalies", "Anomaly", "validate"]
