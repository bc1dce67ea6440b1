"""A process that writes changes: lineage_writer.py URL NAME COUNT. Says each that was written."""

import sys

from dure.lineage import ArtifactRecord, Change, EventRecord, ExecutionRecord, Lineage


def change(name: str, number: int) -> Change:
    uid = f"{name}-{number}"
    model = ArtifactRecord("Model", uid, f"store/{uid}", created=float(number))
    shared = ArtifactRecord("Examples", "shared", "store/shared", created=1.0)
    execution = ExecutionRecord(
        uid, "Trainer", "train", f"run-{name}", "COMPLETE", float(number), number + 1.0
    )
    return Change(
        artifacts=(model, shared),
        executions=(execution,),
        events=(
            EventRecord(uid, shared.uid, "INPUT", "examples"),
            EventRecord(uid, model.uid, "OUTPUT", "output"),
        ),
    )


if __name__ == "__main__":
    url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with Lineage.open(url) as lineage:
        for number in range(count):
            lineage.apply(change(name, number))
            print(number, flush=True)
