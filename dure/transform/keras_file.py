"""``.keras`` files whose bytes hang on the model alone."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from dure.transform._keras import known_warnings

_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(model: Any, path: Path) -> None:
    """Save ``model`` as a ``.keras`` file without time stamps: the same model, the same bytes."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        stamped = Path(folder) / "stamped.keras"
        with known_warnings():
            model.save(stamped)
        with zipfile.ZipFile(stamped) as source, zipfile.ZipFile(path, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    record = json.loads(content)
                    record.pop("date_saved", None)
                    content = json.dumps(record, sort_keys=True).encode()
                info = zipfile.ZipInfo(name, date_time=_EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                target.writestr(info, content)


def read(path: Path) -> Any:
    """Load a model in Keras's safe mode, with Dure's layers known."""
    import keras

    from dure.transform import layers  # noqa: F401 - registers the analyzers

    return keras.saving.load_model(path, compile=False)
