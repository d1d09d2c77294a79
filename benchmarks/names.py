"""What those who take turns are called, and their colours."""

LIBRARY = "fota_async"
JOURNAL = "fota_async, journal"
BARE = "bare loop"
BARE_NO_GC = "bare loop, gc.disable()"
SDK = "vendor's SDK"
SDK_THREADS = "vendor's SDK, threads"
IDLE = "idle loop"
TYPE_CODES = "type codes"
SCATTERED = "scattered"
NO_DEDUPLICATION = "type codes, dedupe=False"
IN_PLACE = "in place"
CLUSTER = "cluster"
LOCAL_CLUSTER = "cluster, its scheduler in the coordinator"

COLOURS = {
    LIBRARY: "#1664a8",
    JOURNAL: "#7fb3dd",
    BARE: "#888888",
    BARE_NO_GC: "#c4c4c4",
    SDK: "#c0392b",
    SDK_THREADS: "#e59866",
    IDLE: "#dddddd",
    TYPE_CODES: "#1664a8",
    SCATTERED: "#c0392b",
    NO_DEDUPLICATION: "#7fb3dd",
}
