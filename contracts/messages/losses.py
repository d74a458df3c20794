"""What a contract version says otherwise than the model, or cannot say (contract reference 3).

Everything that is not listed reads back as it was written; docs/contract-versions.md tells the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """One fact of the model: how the version says it, and whether a reader gets it back."""

    fact: str
    said_as: str
    comes_back: bool


LOSSES_OF_1 = (
    Loss("cohortMeasure", "continuousVariableMeasure with method COUNT, unit 1 and no measurePopulation", True),
    Loss("measureId", "measureIdVersionIndependent, the same identifier", True),
    Loss(
        "the definition's version, where the register has no id for it",
        "measureIdVersionDependent with a name-based UUID (version 5) of measureId and version number",
        True,
    ),
    Loss("a continuous value's unit, where the catalogue's is not known", "unit {unknown}", True),
    Loss("a continuous value's method, where the catalogue's is not known", "method AVERAGE", False),
    Loss("a continuous value with method COUNT and no measurePopulation", "read back as a count", False),
    Loss("reasonCode INV and NI", "reasonCode UNK", False),
    Loss("sourceSystem", "left out", False),
    Loss("the name of reportingOrganization", "left out", False),
    Loss("an empty organizationName", "left out", True),
    Loss("a measurement of a Sjukvardsregion", "left out", False),
    Loss("a Sjukvardsregion that an organisation is part of", "left out; part of what is above it", False),
    Loss("the unit of a count", "unit 1; another one is not kept when read", False),
)

LOSSES_OF_2 = (
    Loss("a continuous value's unit and method", "left out; the catalogue has them", False),
    Loss("measureIdVersionDependent", "left out; measureId and version number say the same", False),
)
