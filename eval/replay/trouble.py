"""What may be wrong with a recording and with what is laid beside it. Each is counted, and the replay goes on."""

from enum import StrEnum


class Trouble(StrEnum):
    """Names under which it is counted."""

    TORN = "lines torn or unreadable, left out"
    CUT_OFF = "files cut off, read up to there"
    MISSING = "files missing between others"
    NEVER_WHOLE = "sessions that ended before all that the cluster had was written"
    OTHER_KIND = "lines of a kind that this release does not know, left out"
    STEPPED_BACK = "lines from before the line above them: the recorder's clock was set back"
    TWICE = "lines that say nothing new of nodes or pods"
    STATE_TWICE = "lines that say nothing new of NodeStates"
    GONE_UNSEEN = "deletions of what was never seen"
    REFUSED_NODE = "Nodes that can't be read"
    REFUSED_POD = "Pods that can't be read"
    REFUSED_STATE = "NodeStates that can't be believed"
    UNSEEN = "pods bound while nobody recorded, not judged"
    LATE = "pods seen long after their binding, not judged"
    NOT_CHOSEN = "pods of daemon sets and of kubelets themselves, which no scheduler chose a node for"
    BACKGROUND = "pods of background namespaces, not judged"
    UNKNOWN_NODE = "pods bound to a node that was not recorded, not judged"
    DID_NOT_FIT = "pods bound where they did not fit, as far as it is recorded"
    DECISION_UNREADABLE = "recorded decisions that can't be read"
    DECISION_TWICE = "recorded decisions on a pod that has another one"
    NO_POD = "recorded decisions on pods that are not judged here"
    NO_DECISION = "placements without a recorded decision"
    VANISHED = "model versions that can't be had any more"
