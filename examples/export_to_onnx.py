"""Train, export to ONNX, and predict without whygrad: ``python examples/export_to_onnx.py``.

Raw rows go in: scaling travels inside the file.
"""

import tempfile
from pathlib import Path

import onnxruntime
from sklearn.datasets import load_iris

import whygrad as wg

net = wg.Network.create([4, 8, 3], activation="relu", seed=0)
run = wg.train(net, wg.load("iris", standardize=True), epochs=60, learning_rate=0.02)

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "iris.onnx")
    print(run.export(file))  # tried on rows of the run before it is written

    session = onnxruntime.InferenceSession(file.read_bytes())
    print("inputs: ", [(one.name, one.shape) for one in session.get_inputs()])
    print("outputs:", [(one.name, one.shape) for one in session.get_outputs()])

    rows = load_iris().data[[0, 60, 120]]
    told = session.run(None, {session.get_inputs()[0].name: rows})
    for name, values in zip((one.name for one in session.get_outputs()), told, strict=True):
        print(name, values)
