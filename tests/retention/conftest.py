"""Nothing that is sent here reaches a worker."""

from tests.operations.brokers import silent_broker

__all__ = ["silent_broker"]
