"""Every topic of ours and its number of partitions, fixed when it is made: adding some would move keys."""

from collections.abc import Mapping

from contracts.catalogue import ANSWERS, CALENDAR, DIRECTORY, INCIDENTS, NOTIFICATIONS, REVIEWS
from contracts.vault import ERASURES, VAULT

CHECKPOINTS = "safeguarding.checkpoints"
STREAM_PARTITIONS = 6

PARTITIONS: Mapping[str, int] = {
    INCIDENTS: STREAM_PARTITIONS,
    NOTIFICATIONS: STREAM_PARTITIONS,
    REVIEWS: STREAM_PARTITIONS,
    VAULT: STREAM_PARTITIONS,
    ANSWERS: STREAM_PARTITIONS,
    "submissions.notifications": STREAM_PARTITIONS,
    "submissions.rapid-review": STREAM_PARTITIONS,
    CALENDAR: 1,
    DIRECTORY: 1,
    CHECKPOINTS: 1,
    ERASURES: 1,
}
