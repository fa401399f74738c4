"""What an Airflow of which version can tell."""

import re

from deployments.platforms.airflow_http import TOO_OLD, AirflowEndpoint
from deployments.platforms.base import PlatformRefused

OLDEST = (3, 0)
_NUMBERS = re.compile(r"(\d{1,4})\.(\d{1,4})")


def refuse_the_unknown(airflow: AirflowEndpoint, version: str) -> str:
    """Answer the version itself if this portal knows it. Raises PlatformRefused, and ValueError on what is no version."""
    if numbers_of(version) < OLDEST:
        raise PlatformRefused(
            TOO_OLD, f"{airflow.name} is version {version[:40]}: this portal knows Airflow 3.0 and newer."
        )
    return version


def cannot_tell(version: str) -> list[str]:
    """Answer what an Airflow of this version cannot tell, in sentences."""
    numbers, told = numbers_of(version), []
    if numbers < (3, 1):
        told.append(
            "Airflow 3.0 does not list the DAGs of one bundle alone: all of its DAGs are read, and of more than 5000 not all. "
            "It does not tell which tasks only read an asset."
        )
    return told


def numbers_of(version: str) -> tuple[int, int]:
    """Read the first two numbers. Raises ValueError."""
    found = _NUMBERS.match(version)
    if found is None:
        raise ValueError(f"{version[:40]!r} is no version")
    return int(found[1]), int(found[2])
