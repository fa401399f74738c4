"""Nothing that is sent here reaches a worker."""

from tests.operations.brokers import silent_broker
from tests.pages.conftest import signed_in

__all__ = ["signed_in", "silent_broker"]
