"""What may be wrong with what the watch is given. Each is counted, and said, and the watch goes on."""

from enum import StrEnum


class Trouble(StrEnum):
    """Names under which it is counted."""

    NO_OUTCOME = "predictions with no outcome"
    NO_PREDICTION = "outcomes with no prediction, bounded afterwards"
    TWICE = "outcomes reported twice"
    CONTRADICTED = "outcomes reported differently, left out"
    PREDICTED_TWICE = "predictions recorded twice"
    TORN = "recorded predictions that can't be read"
    SKEWED = "outcomes from before their prediction, within the clocks' tolerance"
    AHEAD = "outcomes from the future, waiting"
    LATE = "outcomes that came after their period was closed, left out"
    OTHER_CHAMPION = "predictions by another champion, bounded afterwards"
    NO_PROFILE = "outcomes whose profiles nobody knows, left out"
    ALONE = "outcomes without company, left out"
    TRAINED = "outcomes that the champion may have been trained on, left out"
    BEYOND = "outcomes beyond what training saw, where nothing is promised"
    VANISHED = "model versions that vanished"
    REGISTRY = "registry not to be asked"
    TRAINER = "trainer not to be asked"
    FAILED = "trainings that failed"
    HUNG = "trainings that hung and were ended"
    LOST = "trainings of which nothing is left"
    UNREADABLE = "looks that failed, for what could not be read"
