"""Recording what a deploy defines: once, in the order of going live, writing what changed and nothing else.

Knows no user. A set is compared with its recorded neighbours in the chain, and one that arrives late changes what
the next one is said to have changed, in the same transaction.
"""

from assets.recording.deploys import due_deploys, forget_unused_snapshots, record_deploy
from assets.recording.observation import Observation, observe
from assets.recording.sets import AlreadyRecorded, KeyClash, record

__all__ = [
    "AlreadyRecorded",
    "KeyClash",
    "Observation",
    "due_deploys",
    "forget_unused_snapshots",
    "observe",
    "record",
    "record_deploy",
]
