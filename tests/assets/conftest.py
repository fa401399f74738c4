"""Nothing that is sent here reaches a worker."""

from tests.operations.brokers import flushable, silent_broker

__all__ = ["flushable", "silent_broker"]
