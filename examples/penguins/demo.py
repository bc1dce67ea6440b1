"""What `make demo` runs: the pipeline, then the model server, a question and its answer."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
DURE = [sys.executable, "-m", "dure"]
PENGUIN = {
    "bill_length_mm": 46.5,
    "bill_depth_mm": 17.9,
    "flipper_length_mm": 192.0,
    "body_mass_g": 3500.0,
    "island": "Dream",
}


def main() -> int:
    pipeline = HERE / "penguins.py"
    print(f"$ dure run {pipeline.relative_to(Path.cwd())}", flush=True)
    status = subprocess.run([*DURE, "run", str(pipeline)], check=False).returncode
    if status:
        return status
    print("\n$ dure serve serving/penguins", flush=True)
    command = [*DURE, "serve", "serving/penguins", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            ask(wait_for(server))
        finally:
            server.terminate()
    report = max(Path(".dure/runs").glob("*/report.html"), key=lambda path: path.stat().st_mtime)
    print(f"\nThe server has stopped. The report of the run: {report}")
    print("Run `make demo` again: every step will be reused.")
    return 0


def wait_for(server: subprocess.Popen[str]) -> str:
    """Return the address that the server says it answers on."""
    said = []
    for line in server.stderr:
        if line.startswith("serving "):
            return line.split()[1]
        said.append(line)
    raise SystemExit("the server did not start:\n" + "".join(said))


def ask(url: str) -> None:
    """Ask for a prediction as any client of TensorFlow Serving would."""
    body = json.dumps({"instances": [PENGUIN]})
    print(f"\n$ curl -d '{body}' \\\n       {url}:predict")
    with urllib.request.urlopen(f"{url}:predict", body.encode(), timeout=60) as response:
        answer = json.load(response)
    print(json.dumps(answer))
    model = json.loads(find_model().read_text())
    (scores,) = answer["predictions"]
    for species, score in sorted(zip(model["classes"], scores, strict=True), key=lambda x: -x[1]):
        print(f"  {species:<10} {score:6.1%}")


def find_model() -> Path:
    """Return the newest model's description: the plain JSON file beside its weights."""
    found = Path(".dure/artifacts/Model").glob("*/model.json")
    return max(found, key=lambda path: path.stat().st_mtime)


if __name__ == "__main__":
    sys.exit(main())
